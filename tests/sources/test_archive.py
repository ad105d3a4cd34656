"""The files of a trail as a source of calls: in folders, live and long after."""

import json
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sfnwatch.errors import UsageError
from sfnwatch.sources import archive
from sfnwatch.sources.archive import Archive
from sfnwatch.sources.archive_shelf import parse_place
from sfnwatch.sources.sieve import Sieve
from sfnwatch.sources.subjects import Subjects
from sfnwatch.trace.arns import parse_execution_arn
from sfnwatch.trace.events import From, HealthState
from sfnwatch.trace.times import parse_time
from tests.builders import (
    ARN,
    REGION,
    ROLE,
    START,
    ManualClock,
    call,
    event,
    sync_calls,
    sync_history,
)
from tests.sources.archive_files import (
    delivered,
    key_of,
    others,
    packed,
    put,
    record_of,
)
from tests.sources.archive_watch import (
    NO_AWS,
    found,
    known,
    search,
)
from tests.sources.simulation import Watched

OURS = [record_of(each) for each in sync_calls()]
IDS = sorted(record["eventID"] for record in OURS)
OTHER_ROLE = ROLE.replace("role/", "role/other-")
STAMP = START + timedelta(minutes=6)


def ours(seconds: float, key: str, **more: Any) -> dict[str, Any]:
    return record_of(call("RunTask", seconds, key=key, **more))


# -- what is found ---------------------------------------------------------------------


async def test_the_calls_of_an_execution_are_found_among_all_others(
    tmp_path: Path,
) -> None:
    put(tmp_path, delivered([*others(3000, START, 600), *OURS]))
    watched = await search(tmp_path)
    assert sorted(found(watched)) == IDS
    assert watched.states("lookup")[-1] is HealthState.ENDED
    assert {health.source for health in watched.healths("lookup")} == {"archive"}
    assert watched.messages("lookup") == []


async def test_a_heap_of_files_of_any_names_is_searched(tmp_path: Path) -> None:
    put(
        tmp_path,
        {
            "a.json.gz": packed(OURS[:2]),
            "deep/er/b.json": json.dumps({"Records": OURS[2:4]}).encode(),
            "lines.json": "\n".join(map(json.dumps, OURS[4:])).encode(),
            "notes.txt": b"no trail",
        },
    )
    watched = await search(tmp_path)
    assert sorted(found(watched)) == IDS
    # Nothing is known of how far such a heap goes.
    assert watched.healths("lookup")[-1].complete_to is None


async def test_even_in_a_heap_names_tell_what_need_not_be_read(tmp_path: Path) -> None:
    bad = b"not to be read"
    keys = [
        key_of(STAMP, account="210987654321"),
        key_of(STAMP, region="eu-west-1"),
        key_of(STAMP + timedelta(hours=3)),
    ]
    put(tmp_path, {key.rpartition("/")[2]: bad for key in keys})
    put(tmp_path, {key_of(STAMP).rpartition("/")[2]: packed(OURS)})
    watched = await search(tmp_path)
    assert sorted(found(watched)) == IDS
    assert watched.messages("lookup") == []


async def test_one_file_may_be_named_itself(tmp_path: Path) -> None:
    put(tmp_path, {"anything": packed(OURS)})
    assert sorted(found(await search(tmp_path / "anything"))) == IDS


@pytest.mark.parametrize(
    "place",
    [
        "",
        "AWSLogs",
        "AWSLogs/123456789012",
        "AWSLogs/123456789012/CloudTrail",
        f"AWSLogs/123456789012/CloudTrail/{REGION}",
        f"AWSLogs/123456789012/CloudTrail/{REGION}/2023/11",
    ],
)
async def test_any_part_of_a_copy_may_be_named(tmp_path: Path, place: str) -> None:
    put(tmp_path, delivered(OURS))
    assert sorted(found(await search(tmp_path / place))) == IDS


async def test_a_call_that_is_in_several_files_comes_once(tmp_path: Path) -> None:
    put(tmp_path, {"a.json.gz": packed(OURS), "b.json.gz": packed([*OURS, *OURS])})
    assert sorted(found(await search(tmp_path))) == IDS


async def test_other_accounts_and_regions_are_not_opened(tmp_path: Path) -> None:
    bad = b"not to be read"
    put(tmp_path, delivered(OURS))
    put(
        tmp_path,
        {
            key_of(STAMP, account="210987654321"): bad,
            key_of(STAMP, region="eu-west-1"): bad,
            key_of(STAMP + timedelta(days=1)): bad,
            key_of(STAMP - timedelta(days=1)): bad,
            key_of(STAMP).replace("CloudTrail/", "CloudTrail-Digest/"): bad,
        },
    )
    watched = await search(tmp_path)
    assert sorted(found(watched)) == IDS
    assert watched.messages("lookup") == []


async def test_an_account_that_the_place_names_is_the_one_that_is_read(
    tmp_path: Path,
) -> None:
    other = "210987654321"
    put(tmp_path, {key_of(STAMP, account=other): packed(OURS)})
    assert found(await search(tmp_path)) == []
    assert sorted(found(await search(tmp_path / "AWSLogs" / other))) == IDS


async def test_where_a_task_calls_another_region_its_files_are_read_too(
    tmp_path: Path,
) -> None:
    task: dict[str, Any] = {"resourceType": "ecs", "resource": "runTask"}
    elsewhere = event(3, "TaskScheduled", 0.1, region="eu-west-1", **task)
    there = {**ours(1, "there"), "awsRegion": "eu-west-1"}
    put(tmp_path, delivered([there, ours(1, "here")]))
    subjects = known(history=[*sync_history(), elsewhere])
    assert sorted(found(await search(tmp_path, subjects=subjects))) == ["here", "there"]


async def test_data_events_that_a_trail_records_are_found_as_well(
    tmp_path: Path,
) -> None:
    """LookupEvents never has them, and so there is no plan to ask for them."""
    history = [
        event(1, "ExecutionStarted", 0, roleArn=ROLE, input="{}"),
        event(2, "ExecutionSucceeded", 9, output="{}"),
    ]
    put(tmp_path, delivered([ours(1, "invoke", source="lambda.amazonaws.com")]))
    watched = await search(tmp_path, subjects=known(history=history))
    assert found(watched) == ["invoke"]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    offset=st.integers(-4 * 86400, 400 * 86400),
    seconds=st.integers(-1200, 2400),
    lag=st.integers(3, 594),
)
async def test_at_any_edge_of_days_what_is_in_the_window_is_found_and_no_more(
    tmp_path_factory: pytest.TempPathFactory, offset: int, seconds: int, lag: int
) -> None:
    """Lags are those that were measured; the execution lasts 309 s."""
    folder = tmp_path_factory.mktemp("archive")
    # Near midnight: that is where days, months and years change.
    midnight = START.replace(hour=0, minute=0, second=0, microsecond=0)
    shift = midnight + timedelta(days=offset // 86400, seconds=offset % 600 - 300)
    moved = shift - START
    history = [
        type(each)(
            each.at,
            each.source,
            each.execution_arn,
            {**each.data, "timestamp": (START + moved + since).isoformat()},
        )
        for each in sync_history()
        for since in [parse_time(each.data["timestamp"]) - START]
    ]
    at = (shift + timedelta(seconds=seconds)).replace(microsecond=0)
    record = {**ours(0, "x"), "eventTime": at.strftime("%Y-%m-%dT%H:%M:%SZ")}
    put(folder, delivered([record], lag=timedelta(seconds=lag)))
    clock = ManualClock(shift + timedelta(days=2))
    watched = await search(folder, subjects=known(history=history), clock=clock)
    first, last = shift - timedelta(seconds=5), shift + timedelta(seconds=309.05 + 900)
    assert found(watched) == (["x"] if first <= at <= last else [])


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_however_the_records_lie_in_files_the_same_calls_are_found(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("archive")
    files: dict[str, list[Any]] = {}
    for record in [*OURS, *OURS, *others(5, START, 300)]:
        at = parse_time(record["eventTime"])
        came = at + timedelta(seconds=data.draw(st.integers(3, 594)))
        place = data.draw(st.sampled_from([key_of(came), "x.json.gz", "a/b/y.json.gz"]))
        files.setdefault(place, []).append(record)
    put(folder, {place: packed(records) for place, records in files.items()})
    assert sorted(found(await search(folder))) == IDS


# -- trouble ---------------------------------------------------------------------------


async def test_a_file_that_cannot_be_read_is_named_and_the_rest_goes_on(
    tmp_path: Path,
) -> None:
    torn = packed([OURS[0], *others(500, START, 60)])
    put(
        tmp_path,
        {
            "a-torn.json.gz": torn[: len(torn) // 2],
            "b-empty.json": b"",
            "c-none.json": b"<html>",
            "d-cut.json": json.dumps({"Records": OURS[1:3]}).encode()[:-9],
            "e-good.json.gz": packed(OURS[2:]),
        },
    )
    (tmp_path / "f-gone.json").symlink_to(tmp_path / "nowhere")
    watched = await search(tmp_path)
    assert sorted(found(watched)) == IDS
    (message,) = watched.messages("lookup")
    assert message.startswith("5 of the trail's 6 files could not be read whole: ")
    assert "a-torn.json.gz: the gzip stream is cut short, after record" in message
    assert "b-empty.json: is empty" in message
    assert "c-none.json: cut short or no JSON, at its beginning" in message
    assert message.endswith("and 2 more.")
    assert watched.states("lookup")[-1] is HealthState.ENDED


async def test_a_folder_that_cannot_be_listed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, {"a/x.json.gz": packed(OURS), "b/y.json.gz": packed(OURS)})
    scandir = os.scandir

    def refuse(path: Any) -> Any:
        if str(path).endswith("/b"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    watched = await search(tmp_path)
    assert sorted(found(watched)) == IDS
    assert watched.messages("lookup") == [
        "1 folder could not be listed: b: Permission denied."
    ]


async def test_a_place_that_is_not_there_is_refused(tmp_path: Path) -> None:
    watched = await search(tmp_path / "none")
    assert watched.states("lookup")[-1] is HealthState.REFUSED
    (message,) = watched.messages("lookup")
    assert message.endswith("none: No such file or directory. Name another folder.")


async def test_where_there_is_no_file_for_it_the_window_is_told(tmp_path: Path) -> None:
    put(tmp_path, delivered(OURS, lag=timedelta(days=40)))
    watched = await search(tmp_path)
    (message,) = watched.messages("lookup")
    assert f"for 123456789012 in {REGION}" in message
    assert "delivered from 2023-11-15T00:23:19.102Z to 2023-11-15T02:48:33" in message


async def test_neither_pipes_nor_links_to_folders_are_followed(tmp_path: Path) -> None:
    put(tmp_path, {"real/x.json.gz": packed(OURS)})
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "real" / "round").symlink_to(tmp_path)
    watched = await search(tmp_path)
    assert sorted(found(watched)) == IDS
    assert watched.messages("lookup") == []


async def test_names_are_hostile_until_cleaned(tmp_path: Path) -> None:
    name = "\x1b[2J\u202ex\n.json"
    put(tmp_path, {name: b"<html>"})
    watched = await search(tmp_path)
    (message,) = watched.messages("lookup")
    assert "\u241b[2J\ufffdx\u240a.json: cut short" in message
    missing = await search(tmp_path / "\x1b\udcff")
    assert missing.messages("lookup")[0].isprintable()


async def test_hostile_records_take_nothing_with_them(tmp_path: Path) -> None:
    identity = OURS[0]["userIdentity"]
    odd: list[Any] = [
        {"eventName": "x", "userIdentity": identity},
        {"eventName": "x", "userIdentity": "x", "sourceIPAddress": 5, "userAgent": []},
        {**OURS[0], "eventID": "late", "eventTime": "no time"},
        {**OURS[0], "eventID": None},
        {**OURS[0], "eventID": "new", "eventName": "\x1b\ud800"},
    ]
    put(tmp_path, {"x.json.gz": packed([*odd, *OURS])})
    watched = await search(tmp_path)
    assert sorted(found(watched)) == sorted([*IDS, "new"])
    unread = [r.data for r in watched.records if r.source == From.UNREAD]
    assert len(unread) == 3


@pytest.mark.parametrize(
    "place",
    ["", " ", "s3://", "s3:///x", "s3://arn:aws:s3:::b/x", "a\0b", "~nobody-here/x"],
)
def test_what_names_no_place_is_a_usage_error(place: str) -> None:
    with pytest.raises(UsageError):
        parse_place(place)


def test_a_bucket_is_told_from_a_folder() -> None:
    assert str(parse_place("s3x")) == "s3x"
    bucket: Any = parse_place("S3://trails/a/b/")
    assert (bucket.bucket, bucket.prefix) == ("trails", "a/b/")


# -- whose they are --------------------------------------------------------------------


async def test_while_it_runs_a_role_may_become_known_after_its_calls_were_read(
    tmp_path: Path,
) -> None:
    put(tmp_path, delivered([ours(1, "a"), ours(2, "b", role=OTHER_ROLE)]))
    subjects = known(history=sync_history()[:1], over=False)
    clock = ManualClock(START + timedelta(minutes=10))
    watched = Watched()
    source = Archive(NO_AWS, subjects, clock, str(tmp_path), drain=0)
    async for batch in source.batches():
        watched(batch)
        if found(watched) == ["a"] and not subjects.each[0].over:
            subjects.each[0].roles.add("other-StepFunctions-sync-role")
            subjects.each[0].observe(sync_history()[-1])
            subjects.each[0].over = True
    assert found(watched) == ["a", "b"]


async def test_of_one_that_is_over_nothing_of_others_is_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = [ours(n, f"{n}", role=OTHER_ROLE) for n in range(50)]
    put(tmp_path, delivered([*theirs, *OURS]))
    taken: list[int] = []

    class Counting(Sieve):
        def take(self, records: Any) -> Any:
            records = tuple(records)
            taken.append(len(records))
            return super().take(records)

    monkeypatch.setattr(archive, "Sieve", Counting)
    assert sorted(found(await search(tmp_path))) == IDS
    assert sum(taken) == len(OURS)


@pytest.mark.parametrize(("read_after", "waited"), [(3, 1.5), (1000, 30)])
async def test_the_history_of_one_long_over_is_waited_for_but_not_for_ever(
    tmp_path: Path, read_after: int, waited: float
) -> None:
    put(tmp_path, delivered(OURS))
    subjects = known(over=False)
    subjects.each[0].ready = True

    class Reading(ManualClock):
        """Its history is read after so many naps."""

        async def sleep(self, seconds: float) -> None:
            await super().sleep(seconds)
            subjects.each[0].over = len(self.slept) >= read_after

    clock = Reading(START + timedelta(hours=2))
    assert sorted(found(await search(tmp_path, subjects=subjects, clock=clock))) == IDS
    assert sum(clock.slept) == waited


async def test_where_no_history_can_be_read_nothing_is_searched(tmp_path: Path) -> None:
    put(tmp_path, delivered(OURS))
    watched = await search(tmp_path, subjects=known(history=[]))
    assert found(watched) == []
    assert watched.states("lookup")[-1] is HealthState.ENDED
    assert watched.messages("lookup") == []


async def test_an_earlier_execution_that_becomes_known_late_is_not_missed(
    tmp_path: Path,
) -> None:
    """What came before the others' start was let go when it was first read."""
    early, late = ours(-3600, "early"), ours(1, "late")
    put(tmp_path, {"x.json.gz": packed([early, late])})
    arns = [parse_execution_arn(ARN), parse_execution_arn(ARN + "-2")]
    subjects = Subjects(arns)
    for received in sync_history()[:3]:
        subjects.each[0].observe(received)
    subjects.known.set()
    watched = Watched()
    clock = ManualClock(START + timedelta(minutes=10))
    async for batch in Archive(
        NO_AWS, subjects, clock, str(tmp_path), drain=0
    ).batches():
        watched(batch)
        if found(watched) == ["late"]:
            begin = event(1, "ExecutionStarted", -3601, roleArn=ROLE, input="{}")
            subjects.each[1].observe(begin)
            for each in subjects.each:
                each.observe(sync_history()[-1])
                each.over = True
    assert sorted(found(watched)) == ["early", "late"]
