"""Foreign files as their tools write them, made from the seed's run."""

import csv
import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, timezone
from io import StringIO
from pathlib import Path
from typing import Any

from sfnwatch.trace.events import Received
from tests.builders import ARN, describe, sync_calls, sync_definition, sync_history

COLUMNS = ("eventtime", "eventsource", "eventname", "errorcode", "errormessage", "arn")
_TOKYO = timezone(timedelta(hours=9))


def cli_v1(record: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    """Write the times as the AWS CLI's first version did: epoch floats."""
    times = {k: datetime.fromisoformat(record[k]).timestamp() for k in keys}
    return {**record, **times}


def cli_v2(record: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    """Write the times as the second version does: ISO, at the machine's offset."""
    times = {
        k: datetime.fromisoformat(record[k]).astimezone(_TOKYO).isoformat()
        for k in keys
    }
    return {**record, **times}


def history(arn: str = ARN) -> list[dict[str, Any]]:
    return [dict(received.data) for received in sync_history(arn)]


def described(arn: str = ARN, **more: Any) -> dict[str, Any]:
    return {**describe(arn=arn).data, **more}


def defined(**more: Any) -> dict[str, Any]:
    return {**sync_definition().data, **more}


def lookup_events() -> list[dict[str, Any]]:
    return [dict(received.data) for received in sync_calls()]


def trail_records() -> list[dict[str, Any]]:
    return [json.loads(event["CloudTrailEvent"]) for event in lookup_events()]


def eventbridge(record: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "version": "0",
        "id": "3c1f",
        "detail-type": "AWS API Call via CloudTrail",
        "source": "aws.ecs",
        "time": record["eventTime"],
        "detail": record,
        **more,
    }


def rows() -> list[dict[str, str]]:
    return [
        {
            "eventtime": record["eventTime"],
            "eventsource": record["eventSource"],
            "eventname": record["eventName"],
            "errorcode": record.get("errorCode", ""),
            "errormessage": record.get("errorMessage", ""),
            "arn": record["userIdentity"]["arn"],
        }
        for record in trail_records()
    ]


def as_csv(
    table: Iterable[Mapping[str, str]], columns: Iterable[str] = COLUMNS, **style: Any
) -> str:
    out = StringIO(newline="")
    writer = csv.DictWriter(out, list(columns), extrasaction="ignore", **style)
    writer.writeheader()
    writer.writerows(table)
    return out.getvalue()


def put(path: Path, content: Any) -> Path:
    """Write text, bytes, or anything else as indented JSON, as the AWS CLI does."""
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif isinstance(content, str):
        path.write_text(content, newline="")
    else:
        path.write_text(json.dumps(content, indent=4))
    return path


def data_of(records: Iterable[Received]) -> list[Any]:
    return [received.data for received in records]
