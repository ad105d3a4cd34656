"""A trail's files, as CloudTrail would lay them out: synthetic, like all the records.

With `python -m tests.archive_memory FOLDER` a large archive of them is searched.
"""

import gzip
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sfnwatch.trace.events import From, Received
from sfnwatch.trace.times import parse_time
from tests.builders import ACCOUNT, REGION

LAG = timedelta(minutes=4)
Record = dict[str, Any]


def record_of(received: Received) -> Record:
    """Take the CloudTrail record out of LookupEvents' envelope."""
    assert received.source == From.LOOKUP
    record: Record = json.loads(received.data["CloudTrailEvent"])
    return record


def key_of(
    stamp: datetime,
    number: int = 0,
    *,
    account: str = ACCOUNT,
    region: str = REGION,
    head: str = "AWSLogs/",
) -> str:
    """Name a file: by when it was delivered, and by a number for what is random."""
    day, minute = stamp.strftime("%Y/%m/%d"), stamp.strftime("%Y%m%dT%H%MZ")
    name = f"{account}_CloudTrail_{region}_{minute}_{number:016d}.json.gz"
    return f"{head}{account}/CloudTrail/{region}/{day}/{name}"


def packed(records: Sequence[Record]) -> bytes:
    text = json.dumps({"Records": list(records)}, separators=(",", ":"))
    return gzip.compress(text.encode(), 6, mtime=0)


def delivered(
    records: Iterable[Record], *, lag: timedelta = LAG, head: str = "AWSLogs/"
) -> dict[str, bytes]:
    """Lay records out as files: those of the same Region and five minutes together."""
    files: dict[str, list[Record]] = {}
    for record in records:
        came = parse_time(record["eventTime"]) + lag
        # Delivered at the next five minutes.
        seconds = -(-came.timestamp() // 300) * 300
        stamp = datetime.fromtimestamp(seconds, UTC)
        account = record.get("recipientAccountId") or ACCOUNT
        key = key_of(stamp, account=account, region=record["awsRegion"], head=head)
        files.setdefault(key, []).append(record)
    return {key: packed(each) for key, each in files.items()}


def put(folder: Path, files: dict[str, bytes]) -> None:
    for key, content in files.items():
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def others(count: int, begin: datetime, seconds: float) -> Iterator[Record]:
    """Yield what else goes on in an account: calls by other roles, in its services."""
    services = ("ec2", "s3", "kms", "sts", "ecs", "logs")
    for number in range(count):
        at = begin + timedelta(seconds=seconds * number / count)
        role = f"service-{number % 97}"
        service = services[number % len(services)]
        arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/i-{number:017x}"
        issuer = {"type": "Role", "arn": f"arn:aws:iam::{ACCOUNT}:role/{role}"}
        yield {
            "eventVersion": "1.09",
            "userIdentity": {
                "type": "AssumedRole",
                "principalId": f"AROAEXAMPLE{number % 97:010d}:i-{number:017x}",
                "arn": arn,
                "accountId": ACCOUNT,
                "sessionContext": {
                    "sessionIssuer": {**issuer, "accountId": ACCOUNT, "userName": role},
                    "attributes": {"mfaAuthenticated": "false"},
                },
            },
            "eventTime": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "eventSource": f"{service}.amazonaws.com",
            "eventName": "DescribeThings",
            "awsRegion": REGION,
            "sourceIPAddress": f"198.51.100.{number % 250}",
            "userAgent": "aws-sdk-java/2.25.60 Linux/5.10 Java/17.0.11",
            "requestParameters": {
                "maxResults": 100,
                "filters": [{"name": "id", "values": [f"thing-{number * 7919:x}"]}],
            },
            "responseElements": {
                "things": [
                    {"id": f"thing-{number * n:x}", "state": {"code": n, "name": "ok"}}
                    for n in range(number % 12)
                ]
            },
            "requestID": f"{number:08x}-0000-4000-8000-{number * 31:012x}",
            "eventID": f"{number:08x}-1111-4111-8111-{number * 17:012x}",
            "readOnly": True,
            "eventType": "AwsApiCall",
            "managementEvent": True,
            "recipientAccountId": ACCOUNT,
            "eventCategory": "Management",
        }
