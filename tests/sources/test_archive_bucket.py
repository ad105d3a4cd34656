"""A trail's files in a bucket, over HTTP: moto's S3, and a stub for its troubles."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import uuid4

import boto3
import pytest
from aiohttp import web

from sfnwatch.sources.allowed import Feature, NotAllowedError
from sfnwatch.sources.aws import Aws, AwsSettings
from sfnwatch.sources.drive import Patience
from sfnwatch.sources.subjects import Subjects
from sfnwatch.trace.events import From, HealthState
from tests.builders import REGION, START, ManualClock, event, sync_calls, sync_history
from tests.sources.archive_files import delivered, key_of, others, packed, record_of
from tests.sources.archive_watch import found, known, search, watch
from tests.sources.simulation import EPOCH, Simulation, Watched

OURS = [record_of(each) for each in sync_calls()]
IDS = sorted(record["eventID"] for record in OURS)
OTHER = "210987654321"
STAMP = START + timedelta(minutes=6)
# In a process of its own, where its warnings are not our errors. Five keys make a page.
_SERVER = """
import sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
server.stop()
"""
_KEYS = ("AKIAIOSFODNN7EXAMPLE", "example")


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    """Serve moto; gives its endpoint URL."""
    with subprocess.Popen(
        [sys.executable, "-c", _SERVER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "MOTO_S3_DEFAULT_MAX_KEYS": "5"},
    ) as process:
        assert process.stdout
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        process.kill()


class Trails:
    """A bucket to put a trail's files into."""

    def __init__(self, url: str) -> None:
        self.url, self.name = url, f"trails-{uuid4().hex}"
        self.client: Any = boto3.client(
            "s3",
            region_name=REGION,
            endpoint_url=url,
            aws_access_key_id=_KEYS[0],
            aws_secret_access_key=_KEYS[1],
        )
        where = {"LocationConstraint": REGION}
        self.client.create_bucket(Bucket=self.name, CreateBucketConfiguration=where)

    def put(self, files: dict[str, bytes]) -> None:
        for key, content in files.items():
            self.client.put_object(Bucket=self.name, Key=key, Body=content)

    def aws(self, region: str = REGION) -> Aws:
        return _aws(self.url, region)

    async def search(self, prefix: str = "", **more: Any) -> Watched:
        async with self.aws() as aws:
            return await search(f"s3://{self.name}/{prefix}", aws=aws, **more)


def _aws(url: str, region: str = REGION) -> Aws:
    settings = AwsSettings(
        region,
        endpoint_url=url,
        access_key_id=_KEYS[0],
        secret_access_key=_KEYS[1],
    )
    return Aws(settings, features=[Feature.ARCHIVE])


@pytest.fixture
def trails(moto: str, no_aws: None) -> Iterator[Trails]:
    trails = Trails(moto)
    yield trails
    trails.client.close()


def requests(watched: Watched, operation: str) -> list[Any]:
    return [
        r.data
        for r in watched.records
        if r.source == From.REQUEST and r.data["operation"] == operation
    ]


# -- what is found ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("head", "prefix"),
    [
        ("AWSLogs/", ""),
        ("AWSLogs/", "AWSLogs"),
        ("AWSLogs/", "AWSLogs/123456789012/"),
        ("some/prefix/AWSLogs/", "some/prefix/"),
        ("some/prefix/AWSLogs/", "some/prefix/AWSLogs/123456789012/CloudTrail"),
        ("AWSLogs/", f"AWSLogs/123456789012/CloudTrail/{REGION}/2023/11/15"),
        ("o-a1b2c3d4e5/AWSLogs/o-a1b2c3d4e5/", "o-a1b2c3d4e5"),
        ("AWSLogs/o-a1b2c3d4e5/", ""),
        ("AWSLogs/o-a1b2c3d4e5/", "AWSLogs/o-a1b2c3d4e5"),
        ("ünï code+&=/AWSLogs/", "ünï code+&="),
    ],
)
async def test_wherever_the_prefix_ends_the_calls_are_found(
    trails: Trails, head: str, prefix: str
) -> None:
    trails.put(delivered([*others(50, START, 300), *OURS], head=head))
    watched = await trails.search(prefix)
    assert sorted(found(watched)) == IDS
    assert watched.states("lookup")[-1] is HealthState.ENDED
    assert watched.messages("lookup") == []


async def test_only_the_keys_of_the_window_are_listed_and_read(trails: Trails) -> None:
    """Five keys make a page here, so a day's worth would be many pages."""
    bad = b"not to be read"
    days = [STAMP + timedelta(hours=hours) for hours in range(-200, 200, 8) if hours]
    trails.put({key_of(at): bad for at in days})
    trails.put({key_of(STAMP + timedelta(minutes=n), n): packed([]) for n in range(12)})
    trails.put(
        {
            key_of(STAMP, account=OTHER): bad,
            key_of(STAMP, region="eu-west-1"): bad,
            key_of(STAMP).replace("CloudTrail/", "CloudTrail-Digest/"): bad,
            key_of(STAMP).replace("Z_", "-copy-of-"): bad,
        }
    )
    trails.put({key_of(STAMP, 99): packed(OURS)})
    watched = await trails.search()
    assert sorted(found(watched)) == IDS
    assert watched.messages("lookup") == []
    assert len(requests(watched, "GetObject")) == 13
    listed = requests(watched, "ListObjectsV2")
    # The organizations, and three pages of which the last one ends beyond the window.
    assert [each["note"] for each in listed] == [
        "organizations",
        f"trail files of {REGION}",
        f"trail files of {REGION}, page 2",
        f"trail files of {REGION}, page 3",
    ]
    assert [each["items"] for each in listed[1:]] == [5, 5, 5]


async def test_across_midnight_both_days_are_read(trails: Trails) -> None:
    midnight = START.replace(hour=0, minute=0, second=0, microsecond=0)
    begin = midnight - timedelta(seconds=200)
    history = [
        type(each)(
            each.at,
            each.source,
            each.execution_arn,
            {**each.data, "timestamp": (begin + timedelta(seconds=n)).isoformat()},
        )
        for n, each in enumerate(sync_history())
    ]
    records = []
    for seconds in range(-190, 190, 10):
        at = midnight + timedelta(seconds=seconds)
        text = at.strftime("%Y-%m-%dT%H:%M:%SZ")
        records.append({**OURS[0], "eventID": f"{seconds}", "eventTime": text})
    trails.put(delivered(records, lag=timedelta(seconds=20)))
    watched = await trails.search(subjects=known(history=history))
    assert len(found(watched)) == len(records)


async def test_every_region_where_a_task_calls_is_listed(trails: Trails) -> None:
    task: dict[str, Any] = {"resourceType": "ecs", "resource": "runTask"}
    elsewhere = event(3, "TaskScheduled", 0.1, region="eu-west-1", **task)
    there = {**OURS[0], "eventID": "there", "awsRegion": "eu-west-1"}
    trails.put(delivered([*OURS, there]))
    subjects = known(history=[*sync_history(), elsewhere])
    assert "there" in found(await trails.search(subjects=subjects))


async def test_what_is_asked_for_stands_in_the_call_log(trails: Trails) -> None:
    trails.put(delivered(OURS))
    watched = await trails.search()
    notes = [each["note"] for each in requests(watched, "GetObject")]
    assert notes == [f"file {n + 1} of {len(notes)}" for n in range(len(notes))]
    assert {r.data["service"] for r in watched.records if r.source == From.REQUEST} == {
        "s3"
    }
    assert watched.healths("lookup")[-1].requests == len(notes) + 2


async def test_a_bucket_read_after_the_drain_is_believed_complete(
    trails: Trails,
) -> None:
    trails.put(delivered(OURS))
    last = (await trails.search()).healths("lookup")[-1]
    # It was read to a quarter of an hour past the end; beyond, nothing is known.
    assert last.complete_to == START + timedelta(seconds=309.05, minutes=15)


# -- live ------------------------------------------------------------------------------


async def test_while_it_runs_only_what_is_recent_is_listed_again(
    trails: Trails, sync: Simulation
) -> None:
    old = [key_of(EPOCH - timedelta(minutes=4), n) for n in range(7)]
    trails.put(dict.fromkeys(old, packed([])))
    for number, record in enumerate(OURS):
        at = EPOCH + timedelta(seconds=60 * number + 130)
        files = {key_of(at, number): packed([record])}
        seconds = (at - EPOCH).total_seconds()
        sync.clock.when(seconds, lambda files=files: trails.put(files))  # type: ignore[misc]
    arns = sync.account.executions.values()
    async with sync.aws_class(sync.settings()) as aws, trails.aws() as archive_aws:
        place = f"s3://{trails.name}"
        watched = await watch(
            aws, sync.clock, place, *arns, archive_aws=archive_aws, drain=90 * 60
        )
    assert watched.states("lookup")[-1] is HealthState.ENDED
    listed = requests(watched, "ListObjectsV2")
    looks = [each for each in listed if each["note"] == f"trail files of {REGION}"]
    assert 180 <= len(looks) <= 200
    late = [each for each in listed if each["sent_at"] > "2023-11-15T01:40"]
    assert late
    # More than an hour on, nothing is left that is recent: only the last look is whole.
    pages = [each for each in late if "page" in each["note"]]
    assert all(each["sent_at"] == pages[0]["sent_at"] for each in pages)
    assert len(requests(watched, "GetObject")) == len(old) + len(OURS)


# -- trouble ---------------------------------------------------------------------------


async def test_a_bucket_that_is_not_there_is_refused(moto: str) -> None:
    async with _aws(moto) as aws:
        watched = await search("s3://no-such-bucket/x", aws=aws)
    assert watched.states("lookup")[-1] is HealthState.REFUSED
    (message,) = watched.messages("lookup")
    assert message.startswith(
        "ListObjectsV2 on s3://no-such-bucket/x/AWSLogs/o-: NoSuch"
    )
    assert "Check the bucket's name" in message


async def test_where_there_is_nothing_the_place_is_told(trails: Trails) -> None:
    (message,) = (await trails.search("x\u202e")).messages("lookup")
    assert message.startswith(f"No file of a trail in s3://{trails.name}/x\ufffd for ")


@dataclass
class Stub:
    """An S3 that answers as it is told to."""

    files: dict[str, bytes]
    url: str = ""
    asked: list[str] = field(default_factory=list)
    get: Callable[[web.Request, str], Awaitable[web.StreamResponse | None]] | None = (
        None
    )
    list: Callable[[web.Request], web.Response | None] | None = None

    async def answer(self, request: web.Request) -> web.StreamResponse:
        key = request.path.partition("/logs/")[2]
        self.asked.append(f"{request.method} {key}")
        if "list-type" in request.query:
            told = self.list(request) if self.list else None
            return told or self._listed(request)
        told_file = await self.get(request, key) if self.get else None
        return told_file or web.Response(body=self.files[key])

    def _listed(self, request: web.Request) -> web.Response:
        prefix = request.query["prefix"]
        keys = [key for key in sorted(self.files) if key.startswith(prefix)]
        contents = "".join(f"<Contents><Key>{key}</Key></Contents>" for key in keys)
        return _xml(f"<ListBucketResult>{contents}</ListBucketResult>")


def _xml(text: str, status: int = 200, **headers: str) -> web.Response:
    return web.Response(
        text=f'<?xml version="1.0"?>{text}',
        content_type="application/xml",
        status=status,
        headers=headers,
    )


def refusal(code: str, status: int, **headers: str) -> web.Response:
    return _xml(
        f"<Error><Code>{code}</Code><Message>no</Message></Error>", status, **headers
    )


@asynccontextmanager
async def served(stub: Stub) -> AsyncIterator[Stub]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", stub.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    stub.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield stub
    finally:
        await runner.cleanup()


async def search_stub(stub: Stub, subjects: Subjects | None = None) -> Watched:
    async with served(stub), _aws(stub.url) as aws:
        clock = ManualClock(START + timedelta(hours=2))
        return await search(
            "s3://logs", aws=aws, clock=clock, subjects=subjects, patience=Patience(3)
        )


FILES = {key_of(STAMP, n): packed([record]) for n, record in enumerate(OURS)}
BAD = key_of(STAMP, 2)
REST = sorted(set(IDS) - {OURS[2]["eventID"]})


def failing(
    answer: Callable[[], web.Response], *, times: int = 1000, key: str = BAD
) -> Callable[[web.Request, str], Awaitable[web.StreamResponse | None]]:
    left = times

    async def get(request: web.Request, asked: str) -> web.StreamResponse | None:
        nonlocal left
        if asked != key or not left:
            return None
        left -= 1
        return answer()

    return get


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("NoSuchKey", 404),
        ("InvalidObjectState", 403),
        ("AccessDenied", 403),
        ("InternalError", 500),
    ],
)
async def test_one_file_that_is_refused_is_named_and_the_rest_goes_on(
    code: str, status: int
) -> None:
    stub = Stub(FILES, get=failing(lambda: refusal(code, status)))
    watched = await search_stub(stub)
    assert sorted(found(watched)) == REST
    assert watched.states("lookup")[-1] is HealthState.ENDED
    last = watched.messages("lookup")[-1]
    assert last.startswith("1 of the trail's 6 files could not be read whole: 1234")
    assert last.endswith(f".json.gz: {code}.")


@pytest.mark.parametrize("code", ["SlowDown", "RequestTimeout", "InternalError"])
async def test_what_passes_is_tried_again(code: str) -> None:
    stub = Stub(FILES, get=failing(lambda: refusal(code, 503), times=3))
    watched = await search_stub(stub)
    assert sorted(found(watched)) == IDS
    assert watched.healths("lookup")[-1].message == ""


async def _cut(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b"\x1f\x8b")
    assert request.transport
    request.transport.close()
    return response


@pytest.mark.parametrize("times", [2, 1000])
async def test_an_answer_that_is_cut_is_asked_for_again_but_not_for_ever(
    times: int,
) -> None:
    left = times

    async def get(request: web.Request, key: str) -> web.StreamResponse | None:
        nonlocal left
        if key != BAD or not left:
            return None
        left -= 1
        return await _cut(request)

    stub = Stub(FILES, get=get)
    watched = await search_stub(stub)
    assert HealthState.RETRYING in watched.states("lookup")
    assert watched.states("lookup")[-1] is HealthState.ENDED
    if times == 2:
        assert sorted(found(watched)) == IDS
        assert watched.healths("lookup")[-1].message == ""
    else:
        assert sorted(found(watched)) == REST
        assert "the answer was cut" in watched.healths("lookup")[-1].message
        assert stub.asked.count(f"GET {BAD}") == 3


async def test_where_no_file_may_be_read_it_is_the_permission() -> None:
    async def get(request: web.Request, key: str) -> web.StreamResponse:
        return refusal("AccessDenied", 403)

    stub = Stub(FILES, get=get)
    watched = await search_stub(stub)
    assert found(watched) == []
    # It is over: there is no use in asking every minute.
    assert watched.states("lookup")[-1] is HealthState.REFUSED
    assert "GetObject on s3://logs/AWSLogs/" in watched.messages("lookup")[-1]
    assert len([each for each in stub.asked if ".json" in each]) == 3


async def test_where_a_file_was_read_it_is_not_the_permission() -> None:
    first = min(FILES)

    async def get(request: web.Request, key: str) -> web.StreamResponse | None:
        return None if key == first else refusal("AccessDenied", 403)

    watched = await search_stub(Stub(FILES, get=get))
    assert len(found(watched)) == 1
    assert watched.states("lookup")[-1] is HealthState.ENDED
    assert watched.messages("lookup")[-1].startswith("5 of the trail's 6 files could")


async def test_a_permission_that_is_granted_later_is_enough(
    sync: Simulation,
) -> None:
    granted = False

    def grant() -> None:
        nonlocal granted
        granted = True

    async def get(request: web.Request, key: str) -> web.StreamResponse | None:
        return None if granted else refusal("AccessDenied", 403)

    sync.clock.when(250, grant)
    stub = Stub(FILES, get=get)
    arns = sync.account.executions.values()
    async with (
        served(stub),
        _aws(stub.url) as archive_aws,
        sync.aws_class(sync.settings()) as aws,
    ):
        watched = await watch(
            aws, sync.clock, "s3://logs", *arns, archive_aws=archive_aws
        )
    assert HealthState.DENIED in watched.states("lookup")
    assert watched.states("lookup")[-1] is HealthState.ENDED
    assert watched.healths("lookup")[-1].message == ""
    keys = [each for each in stub.asked if ".json" in each]
    assert set(keys[-6:]) == {f"GET {key}" for key in FILES}


async def test_a_bucket_that_may_not_be_listed_says_what_to_allow() -> None:
    stub = Stub(FILES, list=lambda _: refusal("AccessDenied", 403))
    watched = await search_stub(stub)
    assert watched.states("lookup")[-1] is HealthState.REFUSED
    message = watched.messages("lookup")[-1]
    assert message.startswith("ListObjectsV2 on s3://logs/AWSLogs/o-: AccessDenied. no")


async def test_the_sdk_follows_a_bucket_into_its_region() -> None:
    signed: list[str] = []

    def listing(request: web.Request) -> web.Response | None:
        region = request.headers["Authorization"].split("/")[2]
        signed.append(region)
        if region != "eu-west-3":
            there = {"x-amz-bucket-region": "eu-west-3"}
            return refusal("PermanentRedirect", 301, **there)
        return None

    watched = await search_stub(Stub(FILES, list=listing))
    assert sorted(found(watched)) == IDS
    assert signed[0] == REGION
    assert set(signed[1:]) == {"eu-west-3"}


async def test_a_bucket_that_does_not_say_where_it_is_is_refused() -> None:
    """Botocore would ask by HeadBucket, which is not among what this tool may send."""
    stub = Stub(FILES, list=lambda _: refusal("PermanentRedirect", 301))
    watched = await search_stub(stub)
    assert watched.states("lookup")[-1] is HealthState.REFUSED
    assert (
        "Region" in watched.messages("lookup")[-1]
        or "where" in watched.messages("lookup")[-1]
    )
    assert not [each for each in stub.asked if each.startswith("HEAD")]


async def test_a_feature_that_was_not_asked_for_is_a_mistake_of_ours(moto: str) -> None:
    settings = AwsSettings(REGION, None, moto, *_KEYS)
    async with Aws(settings) as aws:
        with pytest.raises(NotAllowedError):
            await search("s3://logs", aws=aws)


async def test_a_network_that_is_gone_is_not_a_fault_of_the_files() -> None:
    async with _aws("http://127.0.0.1:9") as aws:
        clock = ManualClock(START + timedelta(hours=2))
        watched = await search("s3://logs", aws=aws, clock=clock, patience=Patience(3))
    assert HealthState.RETRYING in watched.states("lookup")
    assert watched.states("lookup")[-1] is HealthState.REFUSED
    assert watched.messages("lookup")[-1].startswith("ListObjectsV2 on s3://logs/")
