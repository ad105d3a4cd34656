"""The same records, by whatever way they come, give the same trace."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from sfnwatch.export.json import trace_json
from sfnwatch.sources.duck import Duck
from sfnwatch.trace.calls import ApiCall, decode_call
from sfnwatch.trace.events import From, Received
from sfnwatch.trace.timeline import Trace, extend
from sfnwatch.trace.values import replace
from tests.builders import (
    ACCOUNT,
    REGION,
    ROLE,
    START,
    ManualClock,
    call,
    definition,
    describe,
    event,
    sync_calls,
)
from tests.peers import fixtures
from tests.sources.asking import LATER, bare, gathered, history, put, watched
from tests.sources.every_way import (
    WAYS,
    Place,
    Record,
    Scene,
    Way,
    calls_of,
    moto_served,
    unread_of,
)
from tests.sources.simulation import Simulate

pytest.importorskip("duckdb", reason="an extra; in the dev extra")

OTHER = ROLE.replace("role/", "role/other-")
NOISE = [
    call("RunTask", 2, key="n-1", role=OTHER),
    call("RunTask", 2, key="n-2", source="s3.amazonaws.com", role=OTHER),
    call("DescribeTasks", 9, key="n-3", invoked_by=None, role=OTHER),
    call("RunTask", 1, key="n-4", role=OTHER, parameters={"cluster": "my-cluster"}),
]
"""Calls that concern nobody, by whichever way."""
AMID = [
    call("StopTask", 20, key="m-1", parameters={"task": "x"}),
    call(
        "DescribeTasks",
        21,
        key="m-2",
        role=ROLE.replace("role/", "role/a/path/"),
        response={"tasks": [{"é": "\u2028"}]},
    ),
    call("ListTasks", 30, key="m-3", error=("ThrottlingException", 'it\'s "slow"')),
    call("ListTasks", 31, key="m-4", invoked_by=None),
]


_CALLS = frozenset({From.LOOKUP, From.TRAIL, From.ATHENA})
_OTHER = {"coat", "marks", "record", "seen_at"}
_FACTS = [
    *(name for name in ApiCall.__struct_fields__ if name not in _OTHER),
    "session_name",
]
"""All that is read of a call but when it came, and the record itself."""
everywhere = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with moto_served() as url:
        yield Place(url, tmp_path_factory.mktemp("trail"))


def shown(records: Iterable[Received]) -> Any:
    """Give a trace as its contract has it, as if each call had been seen at once.

    What the sources say of themselves, which is how late they are, is left out.
    """
    kept = [
        replace(each, at=LATER) if each.source in _CALLS else each
        for each in records
        if each.source not in {From.HEALTH, From.REQUEST}
    ]
    return json.loads(json.dumps(trace_json(extend(Trace(), kept))))


def facts(calls: Iterable[Received]) -> dict[str, dict[str, Any]]:
    """Give what is read of each call, more than the contract has."""
    decoded = map(decode_call, calls)
    return {c.event_id: {name: getattr(c, name) for name in _FACTS} for c in decoded}


def told(scene: Scene, calls: Sequence[Received]) -> Any:
    return shown([*scene.history, *calls]), facts(calls)


async def held_alike(scene: Scene, kept: Sequence[Record], way: Way, to: Place) -> Any:
    """Check that by a way just these records come, and give the trace they make."""
    found = await way(scene, to)
    assert unread_of(found) == []
    calls = calls_of(found)
    trace, each = told(scene, calls)
    records = [Received(LATER, From.TRAIL, None, record) for record in kept]
    wanted, every = told(scene, records)
    assert each.keys() == every.keys()
    assert each == every
    assert trace == wanted
    assert len(calls) == len(kept)
    return trace


def named(records: Iterable[Record]) -> list[Record]:
    """Name the role behind each session, as records do."""
    found = []
    for record in records:
        identity = record["userIdentity"]
        issuer = identity["sessionContext"]["sessionIssuer"]
        whose = {**issuer, "userName": issuer["arn"].rpartition("/")[2]}
        context = {**identity["sessionContext"], "sessionIssuer": whose}
        identity = {**identity, "sessionContext": context}
        found.append({**record, "userIdentity": identity})
    return found


# -- the seed's run ----------------------------------------------------------------

SCENES: dict[str, Callable[[], list[Received]]] = {
    "as it was": sync_calls,
    "denied": lambda: sync_calls(denied=True),
    "with more of the role's": lambda: [*sync_calls(), *AMID],
}


@everywhere
@pytest.mark.parametrize("run", SCENES.values(), ids=SCENES.keys())
async def test_the_seed_s_run_is_the_same_by_every_way(
    run: Callable[[], list[Received]], way: Way, place: Place, no_aws: None
) -> None:
    calls = named(bare(run()))
    half = len(calls) // 2
    noise = named(bare(NOISE))
    scene = Scene(history(), [*calls[:half], *noise, *calls[half:]])
    assert [c["link"] for c in told(scene, run())[0]["calls"]].count(None) == 0
    await held_alike(scene, calls, way, place)


# -- the demo's account ------------------------------------------------------------


@pytest.mark.parametrize("scenarios", [["sync", "sync-denied", "sdk"], ["pipeline"]])
async def test_the_demo_s_account_is_the_same_by_every_way(
    scenarios: list[str], simulate: Simulate, place: Place
) -> None:
    """All that its LookupEvents gives, out of all that its trail has."""
    account = await simulate(*scenarios)
    found = await account.watch(drain=7200)
    kept = bare(call for call in calls_of(found) if not decode_call(call).own)
    assert len(kept) > 4
    past = [r for r in found.records if r.execution_arn and r.source != From.HEALTH]
    trail = [
        json.loads(each.envelope["CloudTrailEvent"])
        for each in account.account.world.trail
    ]
    asked = {source for _, source in Scene(past, []).subjects().plan}
    scene = Scene(past, [r for r in trail if r["eventSource"] in asked])
    assert len(scene.records) > len(kept)
    for way in WAYS.values():
        await held_alike(scene, kept, way, place)


# -- what others recorded ----------------------------------------------------------


def recorded() -> list[Record]:
    """Give records of others as if the execution's role had made them, all at once."""
    paths = sorted(fixtures.FOLDER.glob("cloudtrail-*/*.json"))
    found = [record for path in paths for record in fixtures.records(path)]
    (donor, *_) = named(bare(sync_calls()))
    return [
        {
            **record,
            "userIdentity": donor["userIdentity"],
            "eventTime": donor["eventTime"],
            "awsRegion": REGION,
            "recipientAccountId": ACCOUNT,
            "eventID": f"f-{number}",
        }
        for number, record in enumerate(found)
        if record.get("managementEvent", True)
    ]


def machine_of(records: Iterable[Record]) -> list[Received]:
    """Write an execution whose states call the services that were called."""
    states = {}
    for record in records:
        service = record["eventSource"].partition(".")[0]
        known = {"states": "sfn", "autoscaling": "autoscaling"}.get(service, service)
        resource = f"arn:aws:states:::aws-sdk:{known}:listThings"
        states[known] = {"Type": "Task", "Resource": resource, "End": True}
    return [
        describe(),
        definition(states, start_at="ec2"),
        *(r for r in history() if r.source == From.HISTORY),
    ]


@fixtures.needs_fixtures
@everywhere
async def test_records_of_all_shapes_are_the_same_by_every_way(
    way: Way, place: Place, no_aws: None
) -> None:
    records = recorded()
    assert len(records) > 15
    scene = Scene(machine_of(records), [*named(bare(NOISE[:1])), *records])
    await held_alike(scene, records, way, place)


# -- records of any kind -----------------------------------------------------------

texts = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12
)
payloads = st.none() | st.dictionaries(
    texts.filter(lambda key: key.isascii() and key.isalnum()),
    st.recursive(
        st.none() | st.booleans() | st.integers(-9999, 9999) | texts,
        lambda inner: (
            st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2)
        ),
        max_leaves=4,
    ),
    max_size=3,
)


@st.composite
def made(draw: st.DrawFn) -> Record:
    """Make a call of the role's, which may lack what records may lack."""
    error = st.none() | st.tuples(st.just("AccessDenied"), texts.filter(str.strip))
    (record,) = named(
        bare(
            [
                call(
                    draw(st.sampled_from(["RunTask", "DescribeTasks", "StopTask"])),
                    draw(st.integers(0, 400)),
                    key=draw(st.uuids()).hex,
                    error=draw(error),
                    parameters=draw(payloads),
                    response=draw(payloads),
                    invoked_by=draw(st.sampled_from(["states.amazonaws.com", None])),
                    role=draw(st.sampled_from([ROLE, ROLE.replace("/", "/p/", 1)])),
                )
            ]
        )
    )
    lost = draw(st.sets(st.sampled_from(["requestID", "readOnly", "userAgent"])))
    return {key: value for key, value in record.items() if key not in lost}


@everywhere
@settings(
    max_examples=3,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(st.lists(made(), min_size=20, max_size=40, unique_by=lambda r: r["eventID"]))
async def test_records_of_any_kind_are_the_same_by_every_way(
    way: Way, place: Place, records: list[Record]
) -> None:
    await held_alike(Scene(history(), records), records, way, place)


# -- data events -------------------------------------------------------------------

DATA: dict[str, tuple[dict[str, Any], str]] = {
    "lambda": ({"resourceType": "lambda", "resource": "invoke"}, "Invoke"),
    "sqs": ({"resourceType": "sqs", "resource": "sendMessage"}, "SendMessage"),
    "dynamodb": ({"resourceType": "dynamodb", "resource": "getItem"}, "GetItem"),
    "dynamodb by the SDK": (
        {"resourceType": "aws-sdk:dynamodb", "resource": "query"},
        "Query",
    ),
}


def data_events(task: dict[str, Any], name: str) -> tuple[list[Received], list[Record]]:
    """Write an execution that makes one call, of which a trail has a data event."""
    service = task["resourceType"].rpartition(":")[2]
    past = [
        describe(),
        event(1, "ExecutionStarted", 0, input="{}", roleArn=ROLE),
        event(2, "TaskStateEntered", 1, name="Work", input="{}"),
        event(3, "TaskScheduled", 1, region=REGION, parameters="{}", **task),
        event(4, "TaskSucceeded", 2, output="{}", **task),
        event(5, "TaskStateExited", 2, name="Work", output="{}"),
        event(6, "ExecutionSucceeded", 3, output="{}"),
    ]
    (record,) = named(bare([call(name, 1, key="d", source=f"{service}.amazonaws.com")]))
    return past, [{**record, "managementEvent": False, "eventCategory": "Data"}]


@everywhere
@pytest.mark.parametrize(("task", "name"), DATA.values(), ids=DATA.keys())
async def test_data_events_come_by_every_way_but_look_up(
    task: dict[str, Any], name: str, way: Way, place: Place, no_aws: None
) -> None:
    past, records = data_events(task, name)
    scene = Scene(past, [*records, *named(bare(NOISE[:2]))])
    kept = records if way is not WAYS["LookupEvents"] else []
    trace = await held_alike(scene, kept, way, place)
    unseen = [
        finding["data"]["reason"]
        for execution in trace["executions"]
        for finding in execution["findings"]
        if finding["kind"] == "unseen"
    ]
    assert ("not-recorded" in unseen) is not bool(kept)
    rules = [made["link"]["rule"] for made in trace["calls"]]
    assert rules == ["unique-candidate"] * len(kept)


# -- several ways at once ----------------------------------------------------------


async def test_what_comes_by_two_ways_is_one_call(tmp_path: Path, no_aws: None) -> None:
    put(tmp_path, bare(sync_calls()))
    put(tmp_path, bare(sync_calls()), at=START + timedelta(minutes=20), name="again")
    files = await gathered(Duck(watched(), ManualClock(LATER), tmp_path))
    both = [*history(), *sync_calls(), *files.records]
    assert shown(both) == shown([*history(), *sync_calls()])
    assert len(extend(Trace(), both).calls) == 6
