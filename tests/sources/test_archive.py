"""The files of a trail as a source of calls: in folders and buckets, live and after."""

import gzip
import json
import os
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import Any
from xml.sax.saxutils import escape

import pytest
from aiohttp import web
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Struct, field
from msgspec.structs import replace

from sfnwatch.clock import Clock
from sfnwatch.errors import UsageError
from sfnwatch.model.arns import parse_execution_arn
from sfnwatch.model.records import Batch, Received, RecordKind
from sfnwatch.model.source_health import HealthState
from sfnwatch.model.times import iso, parse_time
from sfnwatch.sources.archive import Archive
from sfnwatch.sources.archive_bucket import parse_place
from sfnwatch.sources.live_options import CallOptions, LiveOptions
from sfnwatch.sources.polling import PollingSource, WatchContext
from sfnwatch.sources.targets import Targets
from sfnwatch.sources.trail_files import FileWindow, is_wanted
from sfnwatch.sources.trail_reader import TrailReader
from tests import examples
from tests.builders import (
    ACCOUNT,
    ARN,
    OTHER_ARN,
    REGION,
    ROLE,
    START,
    api_call,
    at,
    changed,
    event,
    sync_calls,
    sync_definition,
    sync_history,
)
from tests.sources.clocks import ManualClock
from tests.sources.conftest import Simulate
from tests.sources.loopback import client_at, served
from tests.sources.simulation import Simulation, Watched

Record = Mapping[str, Any]
OTHER_ACCOUNT = "210987654321"
OTHER_ROLE = ROLE.replace("role/", "role/other-")
STAMP = START + timedelta(minutes=6)
LATER = START + timedelta(hours=2, minutes=1)
"""When all is over and drained."""


# -- executions, and who watches them --------------------------------------------------


def known(
    *arns: str, history: Sequence[Received] | None = None, finished: bool = True
) -> Targets:
    """Tell of executions whose histories have been read."""
    targets = Targets([parse_execution_arn(arn) for arn in arns or (ARN,)])
    told = [sync_definition(), *sync_history()] if history is None else history
    for each in targets.watched:
        for received in told:
            each.observe(received)
        each.ready, each.finished = True, finished
    targets.known.set()
    return targets


def ended(targets: Targets) -> None:
    """Have all of them end, and be read."""
    for each in targets.watched:
        each.observe(sync_history()[-1])
        each.finish()


TEN_DAYS = 10 * 86400.0


def redriven_late(*more: Received) -> Targets:
    """Tell of one that failed, and was redriven ten days after its start."""
    end = event(98, "ExecutionFailed", 309.05)
    back = event(99, "ExecutionRedriven", TEN_DAYS)
    history = [sync_definition(), *sync_history()[:-1], end, back, *more]
    return known(history=history, finished=bool(more))


def context_of(
    targets: Targets | None = None,
    clock: Clock | None = None,
    drain: float = 0,
    **options: Any,
) -> WatchContext:
    """Give what a source is made with: by default the experiment's, long over."""
    targets, clock = targets or known(), clock or ManualClock(LATER)
    watch = LiveOptions(CallOptions(**options), drain=drain, tries=3)
    return WatchContext(targets, clock, watch)


async def gathered(
    source: PollingSource, also: Callable[[Watched], None] = lambda _: None
) -> Watched:
    """Run a source to its end; `also` is told after each batch."""
    watched = Watched()

    def consume(batch: Batch) -> None:
        watched(batch)
        also(watched)

    await source.run(consume)
    return watched


def found(watched: Watched) -> list[str]:
    """Name the calls that came, by their event ids."""
    return [str(key) for key in watched.told(RecordKind.TRAIL, "eventID")]


# -- a trail's files -------------------------------------------------------------------


def bare(calls: Iterable[Received]) -> list[dict[str, Any]]:
    """Take the CloudTrail records out of Events of LookupEvents."""
    return [json.loads(received.record["CloudTrailEvent"]) for received in calls]


OURS = bare(sync_calls())
IDS = sorted(record["eventID"] for record in OURS)


def key_of(
    stamp: datetime,
    number: int = 0,
    account: str = ACCOUNT,
    region: str = REGION,
    head: str = "AWSLogs/",
) -> str:
    """Name a file: by when it was delivered, and by a number for what is random."""
    day, minute = stamp.strftime("%Y/%m/%d"), stamp.strftime("%Y%m%dT%H%MZ")
    name = f"{account}_CloudTrail_{region}_{minute}_{number:016d}.json.gz"
    return f"{head}{account}/CloudTrail/{region}/{day}/{name}"


def packed(records: Iterable[Record]) -> bytes:
    return gzip.compress(json.dumps({"Records": list(records)}).encode(), mtime=0)


def delivered(
    records: Iterable[Record], lag: float = 240, head: str = "AWSLogs/"
) -> dict[str, bytes]:
    """Lay records out as files: those of the same Region and five minutes together."""
    files: dict[str, list[Record]] = {}
    for record in records:
        seconds = parse_time(record["eventTime"]).timestamp() + lag
        stamp = datetime.fromtimestamp(-(-seconds // 300) * 300, UTC)
        key = key_of(stamp, region=record["awsRegion"], head=head)
        files.setdefault(key, []).append(record)
    return {key: packed(each) for key, each in files.items()}


def put(folder: Path, files: Mapping[str, bytes]) -> None:
    for key, content in files.items():
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def others(count: int) -> Iterable[Record]:
    """Yield what else goes on in an account: calls by other roles."""
    for number in range(count):
        role = f"arn:aws:iam::{ACCOUNT}:role/service-{number % 97}"
        key, seconds = f"other-{number}", 300 * number / count
        yield api_call("ListTasks", seconds, key=key, role=role, invoked_by=None)


async def search(place: object, aws: Any = None, **more: Any) -> Watched:
    """Search an archive, by default for the experiment, when that is long over."""
    return await gathered(Archive(aws, context_of(**more, archive=str(place))))


# -- the records of a file -------------------------------------------------------------

WHOLE = json.dumps({"Records": OURS}).encode()
PARTS = [json.dumps({"Records": each}).encode() for each in (OURS[:2], [], OURS[2:])]
SHAPES = {
    "a trail's file": WHOLE,
    "a record a line": "\n".join(map(json.dumps, OURS)).encode(),
    "put together": b"\n".join(PARTS),
    "several streams": b"".join(map(gzip.compress, PARTS)) + b"\0" * 512,
}


def read(*pieces: bytes) -> tuple[list[Record], str]:
    reader, texts = TrailReader(pieces, bool), list[bytes]()
    while (found := reader.read()) is not None:
        texts += found
    return [json.loads(text) for text in texts], reader.trouble


@pytest.mark.parametrize("data", SHAPES.values(), ids=SHAPES)
@settings(max_examples=30)
@given(places=st.lists(st.integers(0, 100_000), max_size=6))
def test_wherever_a_file_is_cut_into_pieces_all_its_records_come(
    data: bytes, places: list[int]
) -> None:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    assert read(*(data[a:b] for a, b in pairwise(edges))) == (OURS, "")


def test_a_record_comes_as_its_bytes_stand_in_the_file() -> None:
    text = '{ "eventName":"é",\n "n": 1.0 }'
    reader = TrailReader([f'{{"Records":[{text}]}}'.encode()], bool)
    assert reader.read() == [text.encode()]
    odd = rb'{"eventName": "half \ud800 of it"}'
    assert read(odd) == ([json.loads(odd)], "")


@examples(60)
@given(end=st.integers(1, len(WHOLE) - 3), packed=st.booleans())
def test_of_a_file_cut_short_what_is_whole_comes_and_the_cut_is_told(
    *, end: int, packed: bool
) -> None:
    data = gzip.compress(WHOLE) if packed else WHOLE
    records, trouble = read(data[: end % (len(data) - 3) + 1])
    assert records == OURS[: len(records)]
    assert trouble


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is empty"),
        (b"\x1f\x8bnonsense", "damaged"),
        (b"no json at all", "not JSON: Expecting value"),
        (b'{"awsAccountId": "x", "digestStartTime": "y"}', "not all in it"),
        (b'{"Records": [1, null, "x"]}', "not all in it"),
    ],
)
def test_what_is_no_trail_says_so_and_gives_nothing(content: bytes, why: str) -> None:
    records, trouble = read(content)
    assert records == []
    assert why in trouble


# -- which files -----------------------------------------------------------------------

NEW_YEAR = datetime(2024, 1, 1, tzinfo=UTC)


def window(first: datetime, minutes: int) -> FileWindow:
    last = first + timedelta(minutes=minutes)
    return FileWindow(frozenset({ACCOUNT}), frozenset({REGION}), first, last)


def is_reached(key: str, wanted: FileWindow) -> bool:
    """Walk down a key's folders as a reader of folders would."""
    parts = PurePosixPath(key).parts
    depths = range(len(parts) - 1)
    return all(is_wanted(parts[:d], parts[d], wanted) for d in depths)


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (key_of(NEW_YEAR, head="some/prefix/AWSLogs/o-abc1234567/"), True),
        (key_of(NEW_YEAR, head=""), True),
        ("2023/12/31/x.json", True),
        ("2023/12/30/x.json", False),
        ("12/31/x.json", True),
        ("CloudTrail/of-last-week/x.json", True),
        ("AWSLogs/june/x.json", True),
        (key_of(NEW_YEAR, account=OTHER_ACCOUNT), False),
        (key_of(NEW_YEAR, region="eu-west-1"), False),
        (f"AWSLogs/o-abc1234567/{ACCOUNT}/vpcflowlogs/x.json.gz", False),
        (f"AWSLogs/{ACCOUNT}/CloudTrail-Digest/{REGION}/2024/01/01/x.json", False),
    ],
)
def test_only_folders_that_may_hold_something_are_opened(
    key: str, *, expected: bool
) -> None:
    assert is_reached(key, window(NEW_YEAR, 10)) is expected


@pytest.mark.parametrize(
    "place", ["", "s3://", "s3:///x", "s3://arn:aws:s3:::b/x", "a\0b", "~nobody-x/"]
)
def test_what_names_no_place_is_a_usage_error(place: str) -> None:
    with pytest.raises(UsageError):
        parse_place(place)


# -- what is found ---------------------------------------------------------------------


async def test_the_calls_of_an_execution_are_found_among_all_others(
    tmp_path: Path,
) -> None:
    put(tmp_path, delivered([*others(3000), *OURS]))
    elsewhere = [
        key_of(STAMP, account=OTHER_ACCOUNT),
        key_of(STAMP, region="eu-west-1"),
        key_of(STAMP + timedelta(days=1)),
        key_of(STAMP).replace("CloudTrail/", "CloudTrail-Digest/"),
        key_of(STAMP, region="eu-west-1").rpartition("/")[2],
    ]
    put(tmp_path, dict.fromkeys(elsewhere, b"not to be read"))
    for place in ("", f"AWSLogs/{ACCOUNT}/CloudTrail/{REGION}/2023/11"):
        watched = await search(tmp_path / place)
        assert sorted(found(watched)) == IDS
        assert watched.messages("lookup") == []
    texts = {json.dumps(record).encode() for record in OURS}
    assert {r.data for r in watched.of(RecordKind.TRAIL)} == texts
    last = watched.healths("lookup")[-1]
    newest = START.replace(minute=40, second=0, microsecond=0)
    assert (last.source, last.state) == ("archive", HealthState.ENDED)
    assert last.coverage == newest - timedelta(minutes=10)


async def test_a_heap_of_files_of_any_names_is_searched(tmp_path: Path) -> None:
    put(
        tmp_path,
        {
            "a.json.gz": packed(OURS[:2]),
            "deep/er/b.json": json.dumps({"Records": OURS[2:4]}).encode(),
            "lines.json": "\n".join(map(json.dumps, OURS[3:])).encode(),
            "notes.txt": b"no trail",
        },
    )
    watched = await search(tmp_path)
    assert sorted(found(watched)) == IDS
    # Nothing is known of how far such a heap goes.
    assert watched.healths("lookup")[-1].coverage is None
    assert found(await search(tmp_path / "a.json.gz")) == ["run", "poll-0"]


async def test_whose_files_are_read_the_place_and_the_tasks_tell(
    tmp_path: Path,
) -> None:
    task: dict[str, Any] = {"resourceType": "ecs", "resource": "runTask"}
    elsewhere = event(3, "TaskScheduled", 0.1, region="eu-west-1", **task)
    there = {**OURS[0], "eventID": "there", "awsRegion": "eu-west-1"}
    put(tmp_path, {key_of(STAMP, account=OTHER_ACCOUNT): packed(OURS)})
    put(tmp_path, delivered([there]))
    assert found(await search(tmp_path)) == []
    assert sorted(found(await search(tmp_path / "AWSLogs" / OTHER_ACCOUNT))) == IDS
    targets = known(history=[*sync_history(), elsewhere])
    assert found(await search(tmp_path, targets=targets)) == ["there"]


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
    history = [
        replace(changed(each, timestamp=moved.isoformat()), at=moved)
        for each in sync_history()
        for moved in [parse_time(each.record["timestamp"]) + (shift - START)]
    ]
    happened = (shift + timedelta(seconds=seconds)).replace(microsecond=0)
    record = {**OURS[0], "eventTime": happened.strftime("%Y-%m-%dT%H:%M:%SZ")}
    put(folder, delivered([record], lag))
    clock = ManualClock(shift + timedelta(days=2))
    watched = await search(folder, targets=known(history=history), clock=clock)
    first, last = shift - timedelta(seconds=5), shift + timedelta(seconds=309.05 + 900)
    assert found(watched) == (["run"] if first <= happened <= last else [])


# -- whose they are --------------------------------------------------------------------


@pytest.mark.parametrize("role_alone", [True, False])
async def test_what_becomes_known_after_files_were_read_is_not_missed(
    tmp_path: Path, *, role_alone: bool
) -> None:
    """A role, and that one of several executions had started an hour before."""
    late = api_call("RunTask", 2, key="late", role=OTHER_ROLE)
    early = api_call("RunTask", -3600, key="early")
    put(tmp_path, {"x.json.gz": packed([early, OURS[0], late])})
    targets = known(ARN, OTHER_ARN, history=sync_history()[:1], finished=False)

    def learn(watched: Watched) -> None:
        if found(watched) == ["run"] and not targets.finished:
            targets.roles.add(OTHER_ROLE.rpartition("/")[2])
            begin = event(1, "ExecutionStarted", -3601, roleArn=ROLE, input="{}")
            targets.watched[1].observe(sync_history()[0] if role_alone else begin)
            ended(targets)

    context = context_of(targets, ManualClock(at(600)), archive=str(tmp_path))
    source = Archive(None, context)
    expected = ["late", "run"] if role_alone else ["early", "late", "run"]
    assert sorted(found(await gathered(source, learn))) == expected


@pytest.mark.parametrize(("read_after", "waited"), [(3, 1.5), (1000, 30)])
async def test_the_history_of_one_long_over_is_waited_for_but_not_for_ever(
    tmp_path: Path, read_after: int, waited: float
) -> None:
    put(tmp_path, delivered(OURS))
    targets, clock = known(finished=False), ManualClock(LATER)

    def slept() -> None:
        targets.watched[0].finished = len(clock.slept) >= read_after

    clock.on_sleep = slept
    assert sorted(found(await search(tmp_path, targets=targets, clock=clock))) == IDS
    assert sum(clock.slept) == waited


# -- trouble ---------------------------------------------------------------------------


async def test_a_file_that_cannot_be_read_is_named_and_the_rest_goes_on(
    tmp_path: Path,
) -> None:
    torn = packed([OURS[0], *others(500)])
    odd = [{"eventName": "x", "userIdentity": 5}, {**OURS[2], "eventTime": "soon"}]
    put(
        tmp_path,
        {
            "a-torn.json.gz": torn[: len(torn) // 2],
            "b-\x1b[2J\u202e.json": b"",
            "c-none.json": b"<html>",
            "d-cut.json": json.dumps({"Records": OURS[1:3]}).encode()[:-9],
            "e-good.json.gz": packed([*odd, *OURS[2:]]),
        },
    )
    (tmp_path / "f-gone.json").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe.json")
    watched = await search(tmp_path)
    assert sorted(found(watched)) == IDS
    assert len(watched.of(RecordKind.UNREAD)) == 1
    (message,) = watched.messages("lookup")
    assert message.startswith("5 of the trail's 6 files could not be read whole: ")
    assert "a-torn.json.gz: the gzip stream is cut short;" in message
    assert "b-\u241b[2J\ufffd.json: is empty" in message
    assert "c-none.json: not JSON: Expecting value" in message
    assert message.endswith("and 2 more.")
    assert watched.states("lookup")[-1] is HealthState.ENDED


async def test_a_place_that_is_not_there_or_has_nothing_is_told(tmp_path: Path) -> None:
    watched = await search(tmp_path / "none\x1b\udcff")
    assert watched.states("lookup")[-1] is HealthState.REFUSED
    (message,) = watched.messages("lookup")
    assert message.endswith(": No such file or directory. Name another folder.")
    assert message.isprintable()
    put(tmp_path, delivered(OURS, lag=40 * 86400))
    (message,) = (await search(tmp_path)).messages("lookup")
    assert f"for 123456789012 in {REGION}" in message
    assert "delivered from 2023-11-15T00:23:19.102Z on." in message


# -- live ------------------------------------------------------------------------------


async def test_a_live_watch_matches_in_the_archive_what_it_matches_in_lookups(
    simulate: Simulate, tmp_path: Path
) -> None:
    looked_up = await (await simulate("sync-denied", "failure")).watch()
    simulation = await simulate("sync-denied", "failure")
    put(tmp_path, {"notes.txt": b""})
    for number, (envelope, there) in enumerate(simulation.deliveries()):
        record = json.loads(envelope["CloudTrailEvent"])
        files = {key_of(there, number, region=record["awsRegion"]): packed([record])}
        seconds = max(1.0, simulation.seconds(there))
        simulation.clock.when(seconds, partial(put, tmp_path, files))
    calls = CallOptions(lookup=False, archive=str(tmp_path))
    watched = await simulation.watch(calls=calls)
    assert watched.states("lookup")[-1] is HealthState.ENDED
    assert sorted(watched.matched()) == sorted(looked_up.matched())


async def test_a_file_that_is_still_on_its_way_is_read_again_when_it_has_grown(
    sync: Simulation, tmp_path: Path
) -> None:
    trail = (envelope for envelope, _ in sync.deliveries())
    whole = packed(json.loads(each["CloudTrailEvent"]) for each in trail)
    sync.clock.when(400, partial(put, tmp_path, {"x.json.gz": whole[:-50]}))
    sync.clock.when(600, partial(put, tmp_path, {"x.json.gz": whole}))
    watched = await sync.watch(calls=CallOptions(lookup=False, archive=str(tmp_path)))
    assert any("cut short" in message for message in watched.messages("lookup"))
    last = watched.healths("lookup")[-1]
    assert (last.state, last.message) == (HealthState.ENDED, "")
    assert len(watched.matched()) == 6


# -- a bucket --------------------------------------------------------------------------


def xml(
    text: str, status: int = 200, root: str = "ListBucketResult", **headers: str
) -> web.Response:
    kind, body = "application/xml", f"<{root}>{text}</{root}>"
    return web.Response(text=body, content_type=kind, status=status, headers=headers)


def refusal(code: str, status: int, **headers: str) -> web.Response:
    told = f"<Code>{code}</Code><Message>no</Message>"
    return xml(told, status, "Error", **headers)


Answer = Callable[[web.Request, str], web.StreamResponse | None]
CUT = web.Response()
"""Stands for an answer that promises more than it has."""


class S3(Struct):
    """A bucket, in pages of five keys; or what it is told to answer instead."""

    files: Mapping[str, bytes]
    get: Answer = lambda _, __: None
    listing: Answer = lambda _, __: None
    asked: list[str] = field(default_factory=list)
    listed: list[str] = field(default_factory=list)
    url: str = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        key = request.path.partition("/logs/")[2]
        self.asked.append(f"{request.method} {key}")
        if "list-type" in request.query:
            return self.listing(request, key) or self._listed(request.query)
        told = self.get(request, key)
        if told is not CUT:
            return told or web.Response(body=self.files[key])
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        assert request.transport
        request.transport.close()
        return response

    def _listed(self, query: Mapping[str, str]) -> web.Response:
        prefix = query["prefix"]
        after = query.get("continuation-token") or query.get("start-after", "")
        self.listed.append(prefix)
        keys = [key for key in sorted(self.files) if key.startswith(prefix)]
        below = {key: key[len(prefix) :].partition("/") for key in keys}
        folders = sorted({f"{prefix}{name}/" for name, cut, _ in below.values() if cut})
        each = (f"<Prefix>{escape(it)}</Prefix>" for it in folders)
        told = "".join(f"<CommonPrefixes>{e}</CommonPrefixes>" for e in each)
        left = [key for key, (_, cut, _) in below.items() if not cut and key > after]
        found = (f"<Key>{escape(k)}</Key>" for k in left[:5])
        told += "".join(f"<Contents>{each}</Contents>" for each in found)
        if len(left) > 5:
            token = escape(left[4])
            told += f"<NextContinuationToken>{token}</NextContinuationToken>"
            told += "<IsTruncated>true</IsTruncated>"
        return xml(told)


FILES = {key_of(STAMP, n): packed([record]) for n, record in enumerate(OURS)}
BAD = key_of(STAMP, 2)
REST = sorted({*IDS} - {OURS[2]["eventID"]})


@asynccontextmanager
async def bucket(files: Mapping[str, bytes] = FILES, **more: Any) -> AsyncIterator[S3]:
    s3 = S3(files, **more)
    async with served(s3.answer) as s3.url:
        yield s3


async def searched(s3: S3, prefix: str = "") -> Watched:
    async with client_at(s3.url) as aws:
        return await search(f"s3://logs/{prefix}", aws)


def requests(watched: Watched, operation: str) -> list[Record]:
    told = [received.record for received in watched.of(RecordKind.REQUEST)]
    return [each for each in told if each["operation"] == operation]


def failing(answer: Callable[[], web.Response], times: int = 1000) -> Answer:
    """Answer so for one file, the first times."""
    left = iter(range(times))

    def get(_: web.Request, key: str) -> web.Response | None:
        return answer() if key == BAD and next(left, None) is not None else None

    return get


@pytest.mark.parametrize(
    ("head", "prefix"),
    [
        ("AWSLogs/", f"AWSLogs/{ACCOUNT}/CloudTrail/{REGION}/2023/11/15"),
        ("some/prefix/AWSLogs/", "/some/prefix/"),
        ("AWSLogs/o-a1b2c3d4e5/", ""),
        ("AWSLogs/o-a1b2c3d4e5/", "AWSLogs/o-a1b2c3d4e5"),
        ("ünï code+&=/AWSLogs/", "ünï code+&="),
    ],
)
async def test_wherever_the_prefix_ends_the_calls_are_found(
    head: str, prefix: str
) -> None:
    async with bucket(delivered([*others(50), *OURS], head=head)) as s3:
        watched = await searched(s3, prefix)
    assert sorted(found(watched)) == IDS
    assert watched.messages("lookup") == []
    # It was read to a quarter of an hour past the end; beyond, nothing is known.
    assert watched.healths("lookup")[-1].coverage == at(309.05 + 900)


async def test_only_the_keys_of_the_window_are_listed_and_read() -> None:
    bad = b"not to be read"
    days = [STAMP + timedelta(hours=hours) for hours in range(-200, 200, 8) if hours]
    files = {key_of(day): bad for day in days}
    files |= {key_of(STAMP + timedelta(minutes=n), n): packed([]) for n in range(12)}
    files[key_of(STAMP, account=OTHER_ACCOUNT)] = bad
    files[key_of(STAMP).replace("Z_", "-copy-of-")] = bad
    files[key_of(STAMP, 99)] = packed(OURS)
    early = (STAMP.replace(hour=0, minute=n) for n in range(20))
    files |= {key_of(day): bad for day in early}
    async with bucket(files) as s3:
        watched = await searched(s3)
    assert sorted(found(watched)) == IDS
    assert watched.messages("lookup") == []
    read = [each["note"] for each in requests(watched, "GetObject")]
    assert read == [f"file {n + 1} of 13" for n in range(13)]
    listed = requests(watched, "ListObjectsV2")
    # Six folders down to the day, which has pages of five.
    assert [each["items"] for each in listed][:6] == [2, 1, 1, 1, 1, 18]


async def test_what_was_delivered_between_an_end_and_a_redrive_is_not_read() -> None:
    end = event(100, "ExecutionSucceeded", TEN_DAYS + 60)
    again = {**OURS[-1], "eventID": "again", "eventTime": iso(at(TEN_DAYS + 30))}
    files = {key_of(STAMP + timedelta(days=day)): b"not to be read" for day in (3, 6)}
    files[key_of(STAMP)] = packed(OURS)
    files[key_of(at(TEN_DAYS + 300))] = packed([again])
    async with bucket(files) as s3, client_at(s3.url) as aws:
        clock, targets = ManualClock(at(TEN_DAYS + 86400)), redriven_late(end)
        watched = await search("s3://logs/", aws, clock=clock, targets=targets)
    assert sorted(found(watched)) == sorted([*IDS, "again"])
    assert watched.messages("lookup") == []


async def test_while_it_runs_only_the_folders_of_today_are_listed_again() -> None:
    day = 86400.0
    targets = known(history=sync_history()[:3], finished=False)
    clock = ManualClock(at(2.5 * day))
    files = {key_of(at(day * n), n): packed([]) for n in range(-1, 3)}

    def end(_: Watched) -> None:
        if clock.at > at(2.5 * day + 90):
            ended(targets)

    async with bucket(files) as s3, client_at(s3.url) as aws:
        source = Archive(aws, context_of(targets, clock, archive="s3://logs"))
        await gathered(source, end)
    asked = [each for each in s3.listed if "/2023/11/1" in each]
    looks = [asked[:3], asked[3:4], asked[-1:]]
    days = [[int(each[-3:-1]) for each in look] for look in looks]
    assert days == [[15, 16, 17], [17], [15]]


@pytest.mark.parametrize(
    ("answer", "times", "lost"),
    [
        (lambda: refusal("NoSuchKey", 404), 1000, "NoSuchKey"),
        (lambda: refusal("InvalidObjectState", 403), 1000, "InvalidObjectState"),
        (lambda: refusal("SlowDown", 503), 3, ""),
        (lambda: refusal("InternalError", 500), 3, ""),
        (lambda: CUT, 2, ""),
    ],
)
async def test_a_file_is_tried_again_if_that_may_help_or_named_and_the_rest_goes_on(
    answer: Callable[[], web.Response], times: int, lost: str
) -> None:
    async with bucket(get=failing(answer, times)) as s3:
        watched = await searched(s3)
    last = watched.healths("lookup")[-1]
    assert last.state is HealthState.ENDED
    assert sorted(found(watched)) == (REST if lost else IDS)
    if lost:
        said = "1 of the trail's 6 files could not be read whole: "
        assert last.message.startswith(said)
        assert last.message.endswith(f".json.gz: {lost}.")
    else:
        assert not last.message


@pytest.mark.parametrize("readable", [0, 1])
async def test_where_no_file_may_be_read_it_is_the_permission(readable: int) -> None:
    first = sorted(FILES)[:readable]

    def get(_: web.Request, key: str) -> web.Response | None:
        return None if key in first else refusal("AccessDenied", 403)

    async with bucket(get=get) as s3:
        watched = await searched(s3)
    message = watched.messages("lookup")[-1]
    if readable:
        assert watched.states("lookup")[-1] is HealthState.ENDED
        assert message.startswith("5 of the trail's 6 files could")
    else:
        # It is over: there is no use in asking every minute.
        assert watched.states("lookup")[-1] is HealthState.REFUSED
        assert "GetObject on s3://logs/AWSLogs/" in message
        assert len([each for each in s3.asked if ".json" in each]) == 3


async def test_a_bucket_that_does_not_say_where_it_is_is_not_asked_otherwise() -> None:
    """Botocore would ask by HeadBucket, which this tool may not send."""
    answer = refusal("PermanentRedirect", 301)
    async with bucket(listing=lambda *_: answer) as s3:
        watched = await searched(s3)
    assert watched.states("lookup")[-1] is HealthState.REFUSED
    message = watched.messages("lookup")[-1]
    assert message.startswith("ListObjectsV2 on s3://logs/AWSLogs/: ")
    assert "S3 doesn't say where the bucket is." in message
    assert not [each for each in s3.asked if each.startswith("HEAD")]


async def test_folders_in_one_another_without_end_are_not_gone_through() -> None:
    told = "<CommonPrefixes><Prefix>2023/</Prefix></CommonPrefixes>"
    async with bucket(listing=lambda *_: xml(told)) as s3:
        watched = await searched(s3, f"AWSLogs/{ACCOUNT}/CloudTrail/{REGION}")
    assert watched.states("lookup")[-1] is HealthState.ENDED
    assert len(s3.asked) == 8
