"""A trail's files asked by SQL on this machine, by DuckDB."""

import gzip
import importlib.util
import json
from contextlib import aclosing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sfnwatch.errors import UsageError
from sfnwatch.sources import duck
from sfnwatch.sources.duck import Duck
from sfnwatch.trace.events import HealthState
from tests.builders import ACCOUNT, REGION, START, ManualClock, call, sync_calls
from tests.sources.asking import (
    LATER,
    SEEDS,
    bare,
    gathered,
    names_of,
    put,
    rows_of,
    watched,
)
from tests.sources.simulation import Watched

duckdb: Any = pytest.importorskip("duckdb", reason="an extra; in the dev extra")

RECORDS = bare(SEEDS)
OTHERS = bare([call("RunTask", 2, key="other", role="arn:aws:iam::1:role/other")])


async def asked(folder: Path, **more: Any) -> Watched:
    clock = more.pop("clock", None) or ManualClock(LATER)
    return await gathered(Duck(watched(), clock, folder, **more))


async def test_what_the_window_needs_is_found_and_nothing_else(tmp_path: Path) -> None:
    put(tmp_path, [*RECORDS[:3], *OTHERS])
    put(tmp_path, RECORDS[2:], name="c3d4")
    found = await asked(tmp_path)
    assert [row["eventid"] for row in rows_of(found)] == [r["eventID"] for r in RECORDS]
    assert names_of(found) == ["RunTask", *["DescribeTasks"] * 5]
    last = found.healths("lookup")[-1]
    assert (last.source, last.state, last.message) == (
        "archive",
        HealthState.ENDED,
        "",
    )
    stamp = START.replace(second=0, microsecond=0) + timedelta(minutes=8)
    assert last.complete_to == stamp - timedelta(minutes=15)


async def test_only_the_files_of_the_window_are_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    statement = duck.statement

    def noted(question: Any, file: Any) -> str:
        read.append(Path(file.place).name)
        return statement(question, file)

    monkeypatch.setattr(duck, "statement", noted)
    kept = put(tmp_path, RECORDS)
    put(tmp_path, RECORDS, region="us-east-1")
    put(tmp_path, RECORDS, account="210987654321")
    put(tmp_path, RECORDS, at=START - timedelta(days=1))
    put(tmp_path, RECORDS, at=START + timedelta(hours=3))
    put(tmp_path, RECORDS, at=START.replace(year=2022))
    digest = kept.parents[4] / "CloudTrail-Digest" / REGION / "2023/11/15"
    digest.mkdir(parents=True)
    (digest / kept.name.replace("_CloudTrail_", "_CloudTrail-Digest_")).write_text("{}")
    await asked(tmp_path)
    assert read == [kept.name]


HOSTILE = [
    "a'b",
    "a[b]*?",
    "a b;--",
    "{x}",
    "$x",
    "é\u202e",
    "%s",
    '"',
    "\\",
    "a\nb",
]


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_file_is_read_whatever_its_name(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    put(folder, RECORDS, name=name)
    put(folder, bare([call("RunTask", 3, key="beside")]), name="ab")
    found = await asked(folder)
    assert {row["eventid"] for row in rows_of(found)} == {
        "beside",
        *(r["eventID"] for r in RECORDS),
    }
    assert found.messages("lookup") == []


@pytest.mark.parametrize("name", ["a[b]*?", "[a]", "a*", "a?", "[!a]", "]a["])
def test_a_name_is_no_pattern_that_finds_others(tmp_path: Path, name: str) -> None:
    """A file may go while others are there that its name would match."""
    for each in (name, "a", "ab", "abc", "b"):
        (tmp_path / each).touch()
    pattern = duck._globbed(str(tmp_path / name))
    with duckdb.connect() as connection:
        found = connection.execute("SELECT file FROM glob(?)", [pattern]).fetchall()
    assert found == [(str(tmp_path / name),)]


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("name", ["heap.json", "heap.json.gz"])
async def test_a_heap_of_files_will_do_packed_or_not(
    tmp_path: Path, name: str, *, packed: bool
) -> None:
    data = json.dumps({"Records": RECORDS}).encode()
    (tmp_path / name).write_bytes(gzip.compress(data) if packed else data)
    assert len(rows_of(await asked(tmp_path))) == 6


BAD = {
    "torn": gzip.compress(json.dumps({"Records": RECORDS}).encode())[:-30],
    "cut": json.dumps({"Records": RECORDS}).encode()[:-30],
    "no gzip": b"\x1f\x8bnonsense",
    "empty": b"",
    "another shape": b'{"Records": [{"userIdentity": [1, 2]}]}',
    "noise": b"\xff\xfe\x00",
}


@pytest.mark.parametrize("data", BAD.values(), ids=BAD.keys())
async def test_one_bad_file_is_named_and_the_rest_goes_on(
    tmp_path: Path, data: bytes
) -> None:
    bad = put(tmp_path, [], name="bad")
    bad.write_bytes(data)
    put(tmp_path, RECORDS, name="good")
    found = await asked(tmp_path)
    assert len(rows_of(found)) == 6
    assert found.states("lookup")[-1] is HealthState.ENDED
    if data:
        (said,) = set(found.messages("lookup"))
        assert said.startswith("1 of the trail's 2 files could not be read whole")
        assert bad.name in said
        assert "SELECT" not in said


async def test_a_file_that_takes_more_memory_than_there_is_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duck, "MEMORY", "60MB")
    many = [{**RECORDS[0], "eventID": f"{n}"} for n in range(20_000)]
    large = put(tmp_path, many, name="large")
    put(tmp_path, RECORDS, name="small")
    found = await asked(tmp_path)
    assert len(rows_of(found)) == 6
    (said,) = set(found.messages("lookup"))
    assert f"{large.name}: Out of Memory" in said


async def test_where_nothing_is_it_is_said(tmp_path: Path) -> None:
    put(tmp_path, RECORDS, region="us-east-1")
    said = (await asked(tmp_path)).messages("lookup")[-1]
    assert said.startswith(f"No file of a trail in {tmp_path}")
    assert ACCOUNT in said


async def test_a_folder_that_is_not_there_is_said_for_good(tmp_path: Path) -> None:
    found = await asked(tmp_path / "gone")
    assert found.states("lookup")[-1] is HealthState.REFUSED
    assert str(tmp_path / "gone") in found.messages("lookup")[-1]


async def test_what_comes_while_it_runs_is_read_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    statement = duck.statement

    def noted(question: Any, file: Any) -> str:
        read.append(Path(file.place).name)
        return statement(question, file)

    monkeypatch.setattr(duck, "statement", noted)
    put(tmp_path, RECORDS[:2], name="first")
    clock = ManualClock(START + timedelta(minutes=9))
    subjects = watched(running=True)
    found = Watched()
    async for batch in Duck(subjects, clock, tmp_path).batches():
        found(batch)
        if clock.now() > START + timedelta(minutes=11) and len(rows_of(found)) == 2:
            put(tmp_path, RECORDS[2:], name="second")
        if clock.now() > START + timedelta(minutes=13):
            subjects.each[0].stopped_at = START + timedelta(seconds=309)
            subjects.each[0].over = True
    assert [row["eventid"] for row in rows_of(found)] == [r["eventID"] for r in RECORDS]
    assert [name.rpartition("_")[2] for name in read] == [
        "first.json.gz",
        "second.json.gz",
    ]
    assert found.states("lookup") == ["connecting", "live", "draining", "ended"]


async def test_a_role_known_late_has_what_was_read_read_again(tmp_path: Path) -> None:
    put(tmp_path, [*RECORDS, *OTHERS])
    subjects = watched()
    found = Watched()
    async for batch in Duck(subjects, ManualClock(LATER), tmp_path).batches():
        found(batch)
        if found.states("lookup")[-1] is HealthState.LIVE:  # it was asked
            subjects.each[0].roles.add("other")
    assert {row["eventid"] for row in rows_of(found)} == {
        "other",
        *(r["eventID"] for r in RECORDS),
    }


async def test_it_says_how_far_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duck, "_TURN", 0.0)
    monkeypatch.setattr(duck._Engine, "_some", _one_by_one)
    for n in range(4):
        put(tmp_path, RECORDS[n : n + 1], name=f"n{n}")
    said = (await asked(tmp_path)).messages("lookup")
    assert said[0] == "Reading the trail's files: 1 of 4."


def _one_by_one(engine: Any) -> Any:
    file = engine._waiting.popleft()
    return engine._rows(file)


async def test_leaving_lets_go_of_the_file_that_is_read(tmp_path: Path) -> None:
    for n in range(6):
        put(tmp_path, RECORDS, name=f"n{n}")
    source = Duck(watched(), ManualClock(LATER), tmp_path)
    async with aclosing(source.batches()) as batches:  # type: ignore[type-var]
        async for _ in batches:
            if source._running:
                break
    engine: Any = source._engine
    assert engine._stopped
    assert engine._some() == []


def test_without_duckdb_it_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duck, "find_spec", lambda _: None)
    with pytest.raises(UsageError, match=r"pip install 'sfnwatch\[archive\]'"):
        Duck(watched(), ManualClock(LATER), tmp_path)
    assert importlib.util.find_spec("duckdb")


def test_a_record_of_every_kind_is_one_that_the_statement_reads(
    tmp_path: Path,
) -> None:
    """What builders make is what the fields are read of: none is forgotten."""
    record = bare(sync_calls(denied=True))[1]
    unread = set(record) - set(duck._FIELDS)
    assert unread == {"eventVersion"}
