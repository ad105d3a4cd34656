"""What each target of the fuzzer takes, to begin with: of every form there is."""

import gzip
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import zstandard

from sfnwatch.recording.format import Header, encode_header, encode_line
from sfnwatch.trace.events import From, Received
from tests.builders import ARN, START, call, sync_history, sync_run
from tests.ecs import task_event
from tests.express import express_log
from tests.recording import foreign
from tests.sources import queueing
from tests.sources.archive_files import packed, record_of


def _dumped(values: list[Any]) -> list[bytes]:
    return [json.dumps(each).encode() for each in values]


def _recorded(records: list[Received]) -> bytes:
    header = encode_header(Header(START, "sfnwatch 0", (ARN,)))
    lines = [header, *(encode_line(record, START) for record in records)]
    return "\n".join([*lines, ""]).encode()


def _foreign_values() -> list[Any]:
    record = foreign.trail_records()[0]
    return [
        {"events": foreign.history()},
        foreign.described(),
        foreign.defined(),
        {"Events": foreign.lookup_events()},
        {"Records": foreign.trail_records()},
        foreign.eventbridge(record),
        [foreign.eventbridge(record)],
    ]


def _packed() -> list[bytes]:
    """Pack recordings and foreign files, or mark them as to be packed."""
    whole, part = _recorded(sync_run()[:6]), _recorded(sync_run()[:3])
    records = json.dumps({"Records": foreign.trail_records()[:2]}).encode()
    return [
        *(b"g" + whole, b"z" + whole, b"u" + part, b"g" + records),
        gzip.compress(part, mtime=0),
        gzip.compress(part, mtime=0) + gzip.compress(b"\n", mtime=0),
        zstandard.compress(part),
        zstandard.compress(part) + zstandard.compress(b"\n"),
        b"\xef\xbb\xbf" + records,
    ]


def _answers() -> list[Any]:
    """Write answers as AWS does, times as numbers."""
    history = [
        {**record.data, "timestamp": START.timestamp() + number}
        for number, record in enumerate(sync_history())
    ]
    calls = [
        {**dict(r.data), "EventTime": START.timestamp()}
        for r in sync_run(denied=True)
        if r.source == From.LOOKUP
    ]
    described = {"executionArn": ARN, "status": "FAILED", "redriveCount": 1}
    counts = dict.fromkeys(("pending", "running", "succeeded", "failed", "total"), 1)
    child = {"executionArn": f"{ARN}-1", "name": "a", "status": "FAILED"}
    body = {"MessageId": "m", "ReceiptHandle": "h", "Body": json.dumps(_messages()[0])}
    return [
        {"events": history, "nextToken": "n"},
        {"events": history[:2]},
        {"Events": calls, "NextToken": "n"},
        {**described, "startDate": START.timestamp(), "redriveDate": 1.5},
        {"stateMachineArn": ARN, "definition": _DEFINITION.decode(), "roleArn": ARN},
        {"mapRunArn": ARN, "status": "RUNNING", "itemCounts": counts},
        {"executions": [{**child, "startDate": 1.5, "stopDate": 2}], "nextToken": "n"},
        {"Messages": [{**body, "Attributes": {"SentTimestamp": "1699999999999"}}]},
        {"events": [{"eventId": "e", "timestamp": 1, "message": "{}"}]},
    ]


def _messages() -> list[Any]:
    record = queueing.record(1, at=2)
    task = task_event(3, "STOPPED", 5, exit_code=1)
    ended = queueing.event(
        {"status": "FAILED"}, "Step Functions Execution Status Change"
    )
    message = {"MessageId": "m", "Body": json.dumps(queueing.event(record))}
    return [
        queueing.event(record),
        queueing.from_topic(queueing.event(record)),
        queueing.from_topic(task),
        *(record, task, ended),
        {"Messages": [message, {**message, "Attributes": {"SentTimestamp": "1"}}]},
    ]


def _log_events() -> list[Any]:
    at = int(START.timestamp() * 1000)
    express = [dict(record.data) for record in express_log(sync_history())]
    lines = [*foreign.trail_records()[:3], *express]
    return [
        [
            {"eventId": str(n), "timestamp": at, "message": json.dumps(line)}
            for n, line in enumerate(lines)
        ],
        *lines,
    ]


def _archived() -> list[bytes]:
    records = [record_of(call("RunTask", n, key=f"c{n}")) for n in range(3)]
    text = json.dumps({"Records": records}).encode()
    lines = b"\n".join(json.dumps(record).encode() for record in records)
    return [text, text + text, lines, packed(records), packed(records) * 2]


_TABLE = (
    b"eventtime,eventsource,eventname,errorcode,errormessage,arn\n"
    b"2023-11-15T00:28:25Z,ecs.amazonaws.com,RunTask,,,arn:aws:iam::1:role/r\n"
)
_DEFINITION = json.dumps(
    {
        "StartAt": "A",
        "States": {
            "A": {"Type": "Parallel", "Branches": [{"StartAt": "B", "States": {}}]},
            "M": {
                "Type": "Map",
                "ItemProcessor": {
                    "StartAt": "T",
                    "States": {
                        "T": {
                            "Type": "Task",
                            "Resource": "arn:aws:states:::ecs:runTask.sync",
                            "Retry": [{"ErrorEquals": ["States.ALL"]}],
                        }
                    },
                },
            },
        },
    }
).encode()
_FILTERS = (
    b"~s Label & !~k poll",
    b'(~a "Run Task" | ~e Denied) & ~d > 5s',
    b"!(~s /a.*b/ | x)",
)
_SETTINGS = b"""
theme = "nord"
time = "local"
ascii = true
[keys]
"player.toggle" = ["p", "ctrl+space"]
[themes.mine]
primary = "#ff8800"
dark = true
"""
_NAMES = (
    ARN.encode(),
    b"https://ap-northeast-1.console.aws.amazon.com/states/home?region=ap-northeast-1"
    b"#/v2/executions/details/" + ARN.encode(),
    b"https://sqs.ap-northeast-1.amazonaws.com/123456789012/mine.fifo",
    b"arn:aws:logs:ap-northeast-1:123456789012:log-group:/aws/states/x:*",
    b"s3://bucket/prefix/AWSLogs/",
    b"http://[::1]:4597/x",
    b"123456789012_CloudTrail_ap-northeast-1_20231115T0030Z_a1B2c3D4e5F6g7H8.json.gz",
    b"api-key=abc%3D,x=%zz",
)
_CORPUS: Mapping[str, Callable[[], Sequence[bytes]]] = {
    "recording": lambda: [
        _recorded(sync_run(denied=True)),
        _recorded(sync_run()[:3]),
    ],
    "foreign": lambda: [*_dumped(_foreign_values()), _TABLE],
    "packed": _packed,
    "decoders": lambda: _dumped([dict(r.data) for r in sync_run(denied=True)]),
    "answers": lambda: _dumped(_answers()),
    "queue": lambda: _dumped(_messages()),
    "logs": lambda: _dumped(_log_events()),
    "archive": _archived,
    "definition": lambda: [_DEFINITION, b'{"QueryLanguage":"JSONata","States":{}}'],
    "filter": lambda: _FILTERS,
    "names": lambda: _NAMES,
    "settings": lambda: [_SETTINGS],
}


def corpus(target: str) -> list[bytes]:
    """Give what a target takes, to begin with."""
    return list(_CORPUS[target]())
