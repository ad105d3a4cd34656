"""Strangers write the data: none of it acts on whoever reads what comes out."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sfnwatch.model.records import Received, receive
from sfnwatch.recording.format import check_record, decode_line, encode_line
from tests import builders as aws
from tests import examples
from tests.cli.conftest import program
from tests.cli.programs import Program, golden
from tests.export.test_hostile import is_json, spoil
from tests.model.test_hostile import strange, usual
from tests.recording.files import read, record
from tests.reliability.outlets import JSON, acts, another, written

__all__ = ["program"]
MARK = "evil"
CUTS = 5
ATTACKS = (
    "\x1b]0;owned\x07",
    "\x1b[2J\x9b31m\x9d0;x\x9c",
    "\r\n\t\x08\x0b\x0c\x00\x7f\x85",
    "[bold red]x[/][@click=app.quit]x[/]",
    "</script><script>alert(1)</script>]]><svg onload=alert(1)>&lt;",
    "%%{init: {}}%%\n  A->>B: x;y#59;\"; =cmd|' /C calc'!A0",
    "\ufeff\u202e\u2066\u200b\u2060\u00ad\u2028\ud800",
)


def hostile(text: str) -> list[Received]:
    """Put a text behind every word of records of all kinds."""
    return [
        receive(each.at, each.kind, each.execution_arn, spoil(each.record, text))
        for each in usual()
    ]


@pytest.fixture
def other(tmp_path: Path) -> Path:
    return another(tmp_path)


def all_is_clean(
    program: Program, path: Path, other: Path, records: Sequence[Received]
) -> dict[str, str]:
    """Record; hold that nothing acts on anybody; give what each outlet wrote."""
    path.unlink(missing_ok=True)
    record(path, records)
    told = {}
    for name, ended in written(program, path, other):
        assert ended.code in {0, 2, 10, 11, 12, 14}, (name, ended)
        assert acts(ended, name) == [], name
        told[name] = ended.out
    return told


@pytest.mark.parametrize("attack", ATTACKS, ids=ascii)
def test_nothing_acts_and_nothing_is_dropped_silently(
    attack: str, program: Program, other: Path, tmp_path: Path
) -> None:
    records = hostile(f"{MARK}{attack}{MARK}")
    path = tmp_path / f"{MARK}\x1b]0;x\x07\u202e.jsonl"
    for name, text in all_is_clean(program, path, other, records).items():
        silent = name.startswith("compare") or name == "redacted"
        assert silent or MARK in text, name
        assert name not in JSON or text.isascii(), name


@pytest.mark.parametrize(
    "payload",
    [
        '{"a": "' + "x" * (1 << 18) + '"}',
        "[" * 10_000 + "]" * 10_000,
        '{"n": ' + "9" * 5000 + "}",
        '\ufeff{"n": NaN, "n": Infinity, "n": -0, "\\u0000": "\\ud800"}\r\n',
    ],
    ids=["256 KiB", "deep", "huge number", "strange"],
)
def test_payloads_of_any_shape_are_handed_on(
    payload: str, program: Program, other: Path, tmp_path: Path
) -> None:
    run = aws.History()
    run.add("ExecutionStarted", input=payload, roleArn=aws.ROLE)
    run.add("TaskStateEntered", name="T", input=payload, after=0)
    run.attempt(aws.SYNC, error="E", cause=payload, parameters=payload)
    run.end("Failed", error="E", cause=payload)
    told = all_is_clean(program, tmp_path / "run.jsonl", other, run.records)
    for name in ("json", "perfetto", "otlp", "explain json"):
        assert is_json(told[name])


@pytest.mark.parametrize("name", ["three-ways", "failure", "pipeline", "redrive"])
def test_what_is_known_in_the_middle_of_a_watch_is_told_as_well(
    name: str, program: Program, tmp_path: Path
) -> None:
    """CloudTrail is minutes late: calls are there that nothing is known about yet."""
    records = read(Path(golden(f"demo-{name}")))
    for cut in range(1, CUTS):
        end = len(records) * cut // CUTS
        for number, known in enumerate((records[:end], behind(records[:end]))):
            path = record(tmp_path / f"{end}-{number}.jsonl", known)
            for line in ("explain {}", "export {} --to json", "export {} --to svg"):
                ended = program(*line.format(path).split())
                assert ended.code in {0, 10}, (line, ended)
                assert acts(ended) == []


def recordable(each: Received) -> bool:
    """True for a record that a recording can hold: others are left out, and said."""
    try:
        decode_line(encode_line(each, aws.START), aws.START)
        check_record(each)
    except (ValueError, RecursionError):
        return False
    return True


@settings(examples(5), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(strange(), min_size=1, max_size=5), st.booleans())
def test_records_that_make_no_sense_leave_by_every_outlet(
    program: Program,
    other: Path,
    records: list[Received],
    after: bool,  # noqa: FBT001
) -> None:
    """Years 1 and 9999, lists and numbers in place of words, halves of characters."""
    known = [*(aws.sync_run(denied=True) if after else []), *records]
    path = other.with_name("strange.jsonl")
    told = all_is_clean(program, path, other, list(filter(recordable, known)))
    for name in JSON - {"--json", "redacted"}:
        # There may be nothing to compare.
        assert not told[name] or is_json(told[name])


def behind(records: Sequence[Received]) -> list[Received]:
    """Have CloudTrail known to be complete up to the first moment it ever was."""
    told = [record for record in records if b'"complete_to"' in record.data]
    return [record for record in records if record not in told[1:]]
