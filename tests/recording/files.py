"""Recordings and foreign files as their tools write them, made from whole runs."""

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import zstandard

from sfnwatch.errors import BadFileError
from sfnwatch.model.records import Received
from sfnwatch.model.trace import Trace
from sfnwatch.recording.format import new_header
from sfnwatch.recording.reader import Recording, open_files
from sfnwatch.recording.recorder import Recorder
from tests import builders as aws

RUN = tuple(aws.sync_run())
TOOL = "sfnwatch 0"
COLUMNS = ("eventtime", "eventsource", "eventname", "errorcode", "errormessage", "arn")
_TOKYO = timezone(timedelta(hours=9))


def record(
    path: Path,
    records: Sequence[Received] = RUN,
    *,
    created: datetime = aws.START,
    arns: Sequence[str] = (aws.ARN,),
) -> Path:
    """Record into a file; into a new one of its folder if the path is a folder."""
    header = new_header(created, TOOL, arns)
    is_folder = path.is_dir()
    recorder = (Recorder.create_in if is_folder else Recorder)(path, header)
    recorder(records)
    recorder.close()
    assert not recorder.trouble
    return recorder.path


def read(*paths: Path) -> list[Received]:
    return list(open_files(paths).records())


def refused(*paths: Path) -> BadFileError:
    """Open files that can't be; give the error, which is told in one line."""
    with pytest.raises(BadFileError) as caught:
        read(*paths)
    assert str(caught.value).isprintable()
    assert len(caught.value.message) < 500
    return caught.value


def trace_of(recording: Recording) -> Trace:
    trace = Trace()
    for batch in recording.batches(3):
        trace.add(batch)
    return trace


def put(path: Path, content: Any) -> Path:
    """Write text, bytes, or anything else as indented JSON, as the AWS CLI does."""
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif isinstance(content, str):
        path.write_text(content, newline="")
    else:
        path.write_text(json.dumps(content, indent=4))
    return path


def zstd(content: bytes) -> bytes:
    packed: bytes = zstandard.ZstdCompressor().compress(content)
    return packed


# -- what others write -----------------------------------------------------------------


def cli_v1(record_: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    """Write the times as the AWS CLI's first version did: epoch floats."""
    times = {k: datetime.fromisoformat(record_[k]).timestamp() for k in keys}
    return {**record_, **times}


def cli_v2(record_: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    """Write the times as the second version does: ISO, at the machine's offset."""
    times = {
        k: datetime.fromisoformat(record_[k]).astimezone(_TOKYO).isoformat()
        for k in keys
    }
    return {**record_, **times}


def events(arn: str = aws.ARN) -> list[dict[str, Any]]:
    return [dict(each.record) for each in aws.sync_history(arn)]


def described(arn: str = aws.ARN, **more: Any) -> dict[str, Any]:
    return {**aws.describe(arn=arn).record, **more}


def defined(**more: Any) -> dict[str, Any]:
    return {**aws.sync_definition().record, **more}


def lookup_events() -> list[dict[str, Any]]:
    return [dict(each.record) for each in aws.sync_calls()]


def trail_records() -> list[dict[str, Any]]:
    return [json.loads(event["CloudTrailEvent"]) for event in lookup_events()]


def eventbridge(record_: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "version": "0",
        "detail-type": "AWS API Call via CloudTrail",
        "source": "aws.ecs",
        "detail": record_,
        **more,
    }


def log_event(message: Any, number: int = 1) -> dict[str, Any]:
    """Write a log event as FilterLogEvents gives it."""
    text = message if isinstance(message, str) else json.dumps(message)
    return {"timestamp": number, "message": text, "eventId": f"{number:056d}"}


def rows() -> list[dict[str, str]]:
    return [
        {
            "eventtime": each["eventTime"],
            "eventsource": each["eventSource"],
            "eventname": each["eventName"],
            "errorcode": each.get("errorCode", ""),
            "errormessage": each.get("errorMessage", ""),
            "arn": each["userIdentity"]["arn"],
        }
        for each in trail_records()
    ]


def as_csv(
    table: Iterable[Mapping[str, str]], columns: Iterable[str] = COLUMNS, **style: Any
) -> str:
    out = StringIO(newline="")
    writer = csv.DictWriter(out, list(columns), extrasaction="ignore", **style)
    writer.writeheader()
    writer.writerows(table)
    return out.getvalue()


def lines(values: Iterable[Any]) -> str:
    return "".join(f"{json.dumps(value)}\n" for value in values)
