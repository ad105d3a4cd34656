"""Redacted records: they show the same under other names, and nothing else is left."""

import base64
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.export.facts import (
    call_facts,
    execution_facts,
    facts_of_task,
    map_run_facts,
    visit_facts,
)
from sfnwatch.model.arns import parse_execution_arn
from sfnwatch.model.integrations import JOBS
from sfnwatch.model.records import Received, RecordKind, receive
from sfnwatch.model.state_language import parse_definition
from sfnwatch.model.trace import Trace
from sfnwatch.view.anonymizer import Anonymizer, redaction_notes
from sfnwatch.view.vocabulary import vocabulary
from tests import builders as aws
from tests import examples
from tests.builders import call, counted, health
from tests.golden import inputs
from tests.model.test_hostile import values
from tests.model.worlds import RECORDINGS, WHOLE, WORLDS, World, recorded, rows
from tests.view.make_vocabulary import TABLE, modeled

_NAMES = frozenset(
    [
        *("arn", "name", "state_machine_arn", "role_arn", "path", "error", "cause"),
        *("request_id", "resource_ids", "evidence", "event_id", "execution"),
        *("error_code", "task_arn", "stopped_reason", "started_by", "reason"),
        *("map_run", "group"),
    ]
)
"""Keys of what is shown whose strings may be others, if equally equal."""
_OPERATIONS = frozenset(
    ["resource", "event_source", "event_name", "resource_type", "status"]
)
"""And those that are words of AWS's, where they are: a state may be called the same."""


def redacted(records: Sequence[Received], **options: bool) -> list[Received]:
    anonymizer = Anonymizer.for_records(records, **options)
    return [anonymizer.redact(record) for record in records]


def text_of(records: Sequence[Received]) -> str:
    """Write all that a file would have of some records."""
    told = [
        f"{r.kind} {json.dumps(r.execution_arn)} {r.data.decode()}" for r in records
    ]
    return "\n".join(told)


# -- the same but for names ------------------------------------------------------------


def outline(records: Sequence[Received]) -> Any:
    """Give all that records show, names numbered as they appear."""
    trace = Trace()
    trace.add(records)
    snapshot = trace.as_of()
    runs = [*dict.fromkeys((*snapshot.lineage.map_runs, *snapshot.map_runs))]
    listed = [arn for arn in snapshot.listed_of if arn not in runs]
    shown = [
        [
            [execution_facts(snapshot, each), list(map(visit_facts, each.visits))]
            for each in snapshot.executions.values()
        ],
        [call_facts(call, snapshot.link(call)) for call in snapshot.calls],
        [each for arn in snapshot.task_states for each in facts_of_task(snapshot, arn)],
        [map_run_facts(snapshot, arn) for arn in (*runs, *listed)],
    ]
    health = [
        [h.lane, str(h.state), bool(h.message), h.lag, str(h.coverage), h.requests]
        for h in snapshot.each_health
    ]
    requests = [
        [str(r.sent_at), r.seconds, r.status, r.items, r.ok, r.throttled]
        for r in snapshot.requests
    ]
    calls = [
        [c.by_step_functions, c.whole, bool(c.error_message)] for c in snapshot.calls
    ]
    counted = [len(trace.unread), len(trace.own_calls)]
    return [_numbered(shown, "", {}), health, requests, calls, counted]


def _numbered(value: Any, key: str, numbers: dict[str, str]) -> Any:
    if isinstance(value, Mapping):
        return {k: _numbered(v, k, numbers) for k, v in value.items()}
    if isinstance(value, list):
        return [_numbered(item, key, numbers) for item in value]
    if isinstance(value, str) and value:
        if key in _NAMES or value.startswith("arn:"):
            return numbers.setdefault(value, f"name {len(numbers)}")
        if key in _OPERATIONS:
            return numbers.setdefault(f"{value}()", f"name {len(numbers)}")
    return value


# -- nothing of the original is left ---------------------------------------------------


def strings_of(records: Sequence[Received]) -> set[str]:
    """Collect every string of records, keys and those of JSON texts too."""
    found: set[str] = set()
    stack: list[Any] = [[r.execution_arn, r.kind, r.record] for r in records]
    while stack:
        value = stack.pop()
        if isinstance(value, Mapping):
            found.update(map(str, value))
            stack.extend(value.values())
        elif isinstance(value, list):
            stack.extend(value)
        elif isinstance(value, str):
            inner = json_of(value)
            if isinstance(inner, dict | list | str):
                stack.append(inner)
            else:
                found.add(value)
    return found


def json_of(text: str) -> Any:
    try:
        return json.loads(text) if text[:1] in {"{", "[", '"'} else None
    except (ValueError, RecursionError):
        return None


def unescaped(text: str) -> str:
    """Undo the escapes of JSON, however deep, and take capitals away."""
    for _ in range(8):
        text = text.replace('\\"', '"').replace("\\\\", "\\")
    return text.lower()


def disguises(secret: str) -> Iterator[str]:
    """Yield the ways in which a string may stand in a file."""
    yield from (secret.lower(), secret[::-1].lower(), json.dumps(secret)[1:-1].lower())
    yield quote(secret, safe="", errors="replace").lower()
    yield "".join(f"\\u{ord(c):04x}" for c in secret)
    raw = secret.encode(errors="replace")
    yield raw.hex()
    for cut in range(3):
        # What stands in the middle of base64, whatever stands before and behind it.
        coded = base64.b64encode(raw[cut : len(raw) - (len(raw) - cut) % 3]).decode()
        if len(coded) >= 8:
            yield coded.lower()


def is_left(secret: str, records: Sequence[Received]) -> list[str]:
    """Give the disguises in which a string stands in records."""
    raw = text_of(records).lower()
    bare = unescaped(raw)
    return [form for form in disguises(secret) if form in raw or form in bare]


# -- what becomes of one field ---------------------------------------------------------

SESSION = "SessionAliasaaaaaaaaaaaaaaaaaaab"
ALIAS = "000000000001"
HOME = f"{aws.REGION}:{ALIAS}"
UUID = "a11a5a11-a5a1-4a11-a5a1-a11000000001"
TASK = f"arn:aws:ecs:{HOME}:task/cluster-1/a11a5a11a5a11a5a11a5a10000000001"


def payload(value: Any) -> Any:
    """Redact a value as a state's input, and give what became of it."""
    started = aws.event(1, "ExecutionStarted", 0, input=json.dumps(value))
    (record,) = redacted([started])
    told = record.record["executionStartedEventDetails"]["input"]
    return json.loads(told)


def named(text: str) -> Any:
    """Redact an ARN or an id as a field that holds one."""
    (record,) = redacted([aws.received("describe", {"name": text}, arn=None)])
    return record.record["name"]


def failed(**details: Any) -> Any:
    """Redact the details of a failure."""
    (record,) = redacted([aws.event(4, "TaskFailed", 1, **details)])
    return record.record["taskFailedEventDetails"]


# -- what is shown is the same ---------------------------------------------------------


@pytest.mark.parametrize("name", [*RECORDINGS, *WHOLE])
def test_a_run_shows_the_same_and_its_states_names_if_they_are_kept(name: str) -> None:
    records = WHOLE[name] if name in WHOLE else recorded(RECORDINGS[name])
    for keep_state_names in {False, name in WHOLE}:
        again = redacted(records, keep_state_names=keep_state_names)
        assert outline(again) == outline(records)


@examples(40)
@given(WORLDS)
def test_whatever_there_is_shows_the_same(world: World) -> None:
    records = world.records
    assert outline(redacted(records)) == outline(records)


def test_an_execution_s_log_and_rows_of_a_table_show_the_same() -> None:
    log = [aws.logged(each) for each in aws.sync_history()]
    records = [
        *log,
        *aws.sync_calls(),
        *rows(),
        aws.definition({}, arn=aws.EXPRESS_ARN),
    ]
    assert outline(redacted(records)) == outline(records)
    (first, *_) = redacted(records)
    assert first.record["execution_arn"] == first.execution_arn != aws.EXPRESS_ARN


def test_answers_that_contradict_each_other_show_the_same() -> None:
    """No answer of a moment is preferred for its text, which is another redacted."""
    other = aws.MAP_RUN_ARN.replace("276e", "aaaa")
    children = [aws.map_child(0), aws.map_child(1)]
    records = aws.photos()
    for run in (aws.MAP_RUN_ARN, other):
        for status in ("FAILED", "ABORTED", "Zork"):
            told = ((arn, status) for arn in children)
            records.append(aws.listing(*told, run=run, seen=70))
    for arn in (aws.ARN, "zork", "b"):
        records.append(counted(seen=70, parent=arn, status="FAILED"))
    records += (aws.describe(each, seen=9) for each in ("FAILED", "ABORTED", "RUNNING"))
    for message in ("Zork may not", "Not allowed to Aardvark"):
        records.append(health("lookup", "denied", 9, message=message))
    assert outline(redacted(records)) == outline(records)
    shuffled = outline(redacted([*reversed(records)]))
    assert shuffled[0][3] == outline(records)[0][3]


IDS = st.sampled_from(
    [
        f"arn:aws:ecs:{aws.REGION}:{aws.ACCOUNT}:task/blue/{'7e57' * 8}",
        *("7e57" * 8, "9e6d1f8a-3a34-4d55-8d2c-111111111111", "blue", "task", "ecs"),
        *("billing:9e6d1f8a-3a34-4d55-8d2c-111111111111", "a/b", "b", "123456789012"),
        *("jr_0123456789abcdef", "Blue Job", "über", "x.y-z_1=2@3+4", "latest", "-"),
        *("$LATEST", "RUNNING", "RunTask", "name-1", UUID),
    ]
)
SAYINGS = (
    *("{}", "no {} here", "x/{}; gone", "{}{}", "<{}>, ({}): '{}'", "not{}"),
    "is not authorized to perform: ecs:DescribeTasks on resource: {}.",
    "Request ID: {}",
)
ROLES = (aws.ROLE, aws.ROLE.replace("role/", "role/path/"))
STARTS = {"ecs": "runTask", "batch": "submitJob", "codebuild": "startBuild"}


@st.composite
def jobs(draw: st.DrawFn) -> list[Received]:
    """Write tasks that hold ids, and calls that name them in all the ways they can."""
    found = [aws.event(1, "ExecutionStarted", 0, input="{}", roleArn=aws.ROLE)]
    said = st.builds(lambda saying, key: saying.format(key, key, key), SAID, IDS)
    for number in range(draw(st.integers(1, 3))):
        first, begin = 2 + 4 * number, 10.0 * number
        service, key = draw(st.sampled_from([*STARTS])), draw(IDS)
        task: Any = {"resourceType": service, "resource": f"{STARTS[service]}.sync"}
        output = {
            "Tasks": [{"TaskArn": key}],
            "JobId": key,
            "Build": {"Arn": f"arn:aws:codebuild:r:a:build/{key}", "Id": key},
            "SdkResponseMetadata": {"RequestId": draw(IDS)},
        }
        name = draw(st.sampled_from(["Work", "blue", "task/1", "RunTask", "state-1"]))
        errors = st.sampled_from(["States.TaskFailed", "Mine", "A b"])
        why: Any = {"error": draw(errors), "cause": draw(said), **task}
        told: Any = {"output": json.dumps(output), **task}
        found += [
            aws.event(first, "TaskStateEntered", begin, name=name, input=key),
            aws.event(first + 1, "TaskScheduled", begin, parameters="{}", **task),
            aws.event(first + 2, "TaskSubmitted", begin + 1, **told),
            aws.event(first + 3, "TaskFailed", begin + 8, **why),
        ]
    asked = st.builds(lambda a, b: {"tasks": [a], "text": f"to /{b}."}, IDS, IDS)
    names = st.sampled_from(["RunTask", "DescribeTasks", "SubmitJob", "OrbitalZap"])
    for number in range(draw(st.integers(0, 6))):
        found.append(
            call(
                draw(names),
                draw(st.integers(0, 40)),
                key=f"call-{number}",
                request_id=draw(IDS),
                parameters=draw(st.none() | asked),
                error=draw(st.none() | st.tuples(st.just("AccessDenied"), said)),
                role=draw(st.sampled_from(ROLES)),
                source=f"{draw(st.sampled_from(['ecs', 'batch']))}.amazonaws.com",
            )
        )
    return found


SAID = st.sampled_from(SAYINGS)


@examples(120)
@given(jobs())
def test_calls_are_matched_to_the_same_attempts_by_the_same_rules(
    records: list[Received],
) -> None:
    assert outline(redacted(records)) == outline(records)


def test_parameters_that_agree_still_do_and_others_still_do_not() -> None:
    """Keys that differ by their first letter stay so, and numbers stay different."""
    sent = {"Cluster": "blue", "PropagateTags": "X", "Count": 3}
    asked = {key[0].lower() + key[1:]: value for key, value in sent.items()}
    called = aws.api_call("X", 2, key="c", parameters=asked | {"n": 7})
    scheduled = aws.event(2, "TaskScheduled", 1, parameters=json.dumps(sent))
    one, other = redacted([scheduled, aws.received("trail", called)])
    told = json.loads(one.record["taskScheduledEventDetails"]["parameters"])
    asked_again = other.record["requestParameters"]
    again = {k[:1].upper() + k[1:]: v for k, v in asked_again.items()}
    assert told == {key: value for key, value in again.items() if key in told}
    assert set(again.values()).isdisjoint({"blue", "X", 3, 7})
    assert len(set(again.values())) == 4


@examples(60)
@given(
    st.lists(
        st.builds(
            partial(receive, None),
            st.sampled_from([*RecordKind, "else"]),
            st.none() | st.just(aws.ARN),
            st.dictionaries(st.text(max_size=9), values, max_size=4),
        ),
        max_size=4,
    )
)
def test_records_of_any_content_can_be_redacted(found: list[Received]) -> None:
    again = redacted(found)
    assert [r.at for r in again] == [r.at for r in found]
    assert all(isinstance(json.loads(r.data), dict) for r in again)
    assert all(type(r.data) is bytes and r.data.isascii() for r in again)


# -- nothing of the original is left ---------------------------------------------------


def is_harmless(text: str) -> bool:
    """Tell what may stay: a word of the allow-list, or what is made of such words."""
    words = vocabulary()
    stem, service = text.removesuffix(".$"), text.removesuffix(".amazonaws.com")
    integration = re.fullmatch(r"arn:aws:states:::(?:aws-sdk:)?([\w-]+):(.+)", text)
    action = (integration[2] if integration else text).partition(".")[0]
    rules = {rule for table in words.tables.values() for rule in table}
    known = [words.phrases, words.enums, list(RecordKind), *words.rules.values()]
    return (
        any(stem in each for each in known)
        or words.is_key(stem)
        or any(re.fullmatch(rule.partition(":")[2], text) for rule in rules)
        or words.is_operation(action.rpartition(":")[2])
        or stem in words.names
        or words.services.issuperset(service.split(":"))
        or words.is_error(text)
        or _stays("request", {"region": text})
        or _stays("history", {"type": text})
        or bool(re.fullmatch(PATTERN, text))
        or _stays("health", {"message": text})
    )


PATTERN = (
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{3,6})?(Z|[+-]\d\d:\d\d)?"
    r"|[a-z][A-Za-z]+EventDetails|\d\.\d\d|-?\d{1,3}"
)


def _stays(kind: str, record: Any) -> bool:
    (told,) = redacted([receive(None, kind, None, record)])
    return bool(told.record == record)


def leaks(records: Sequence[Received]) -> set[str]:
    """Give the strings of records that their redaction still has, but may not."""
    left = strings_of(redacted(records)) & strings_of(records)
    return {text for text in left if not is_harmless(text)}


@pytest.mark.parametrize("name", RECORDINGS)
def test_nothing_is_left_of_a_recording(name: str) -> None:
    assert leaks(recorded(RECORDINGS[name])) == set()


@pytest.mark.parametrize("folder", sorted(p.name for p in inputs.FIXTURES.glob("*-*")))
def test_nothing_is_left_of_what_others_recorded(folder: str) -> None:
    """Of whatever record, of its own kind or of one that nobody knows."""
    for path in sorted((inputs.FIXTURES / folder).glob("*.json")):
        document = json.loads(path.read_text())
        found = [receive(None, "else", None, document)]
        calls = document.get("records", document.get("Records", []))
        found += [receive(None, "trail", None, record) for record in calls]
        events = document.get("events", [])
        found += [receive(None, "history", aws.ARN, record) for record in events]
        assert leaks(found) == set(), path.name


CANARY = st.text("qzxjkvw7QZ", min_size=8, max_size=14).filter(
    lambda text: not text.isdigit() and len(set(text)) > 3
)
_WRAPPED = "(Service: @; Status Code: 400; Error Code: @; Request ID: @; Proxy: null)"
_RAISED = (
    "An error occurred while executing the state '{}' (entered at the event id #2)."
)
FORMS = [
    *("@", "@ @x", "@\x1b[31m\u202e\ud800", "States.@", "@.AccessDenied", "aws-sdk:@"),
    *("@.amazonaws.com", "states.@.amazonaws.com", "@.s3.eu-west-1.amazonaws.com"),
    *(
        "Lambda.@Exception",
        "Get@",
        "runTask.sync@",
        "us-@-1",
        "@@@.example",
        "$.@['@']",
    ),
    *("arn:aws:@", "arn:@:@:@:@:@/@:@", "https://@.example/@?@=@#@", "calls to @"),
    "arn:aws:ecs:us-east-1:123456789012:task/@/@",
    "arn:aws:states:us-east-1:123456789012:mapRun:@/@:@",
    *('{"@": ["@", {"@": "{\\"@\\": \\"@\\"}"}]}', '"@"', '{"@": '),
    *(f"Rate exceeded {_WRAPPED}", f"{_RAISED.format('@')} @", "2023-11-15T00:28:24Z@"),
    "User: @ is not authorized to perform: ecs:@ on resource: @",
    *("AWS::@::@", "sfnwatch/1 @", "AKIA@@", "x@StateEntered"),
]
"""Each with a canary for every @."""


def planted(value: Any, plant: Callable[[str], str]) -> Any:
    """Replace each string and each key, JSON texts taken apart."""
    if isinstance(value, dict):
        return {plant(key): planted(item, plant) for key, item in value.items()}
    if isinstance(value, list):
        return [planted(item, plant) for item in value]
    if not isinstance(value, str):
        return value
    inner = json_of(value) if value[:1] in {"{", "["} else None
    return plant(value) if inner is None else json.dumps(planted(inner, plant))


@st.composite
def infested(draw: st.DrawFn) -> tuple[str, list[Received]]:
    """Plant a canary in about a quarter of all strings and a few keys."""
    canary = draw(CANARY)
    form = draw(st.sampled_from(FORMS)).replace("@", canary)
    salt, all_keys = draw(st.integers(0, 9)), draw(st.booleans())

    def plant(text: str) -> str:
        chosen = (sum(map(ord, text)) + salt) % 4 == 0
        return form if chosen and (all_keys or text[:1].isupper()) else text

    of = draw(
        st.sampled_from([*WHOLE.values(), [aws.request(1), health("lookup", "", 1)]])
    )
    found = []
    for r in of:
        arn, record = r.execution_arn, planted(dict(r.record), plant)
        found.append(receive(r.at, plant(r.kind), arn and plant(arn), record))
    return canary, found


@examples(80)
@given(infested())
def test_nothing_is_left_of_canaries_in_any_field(
    found: tuple[str, list[Received]],
) -> None:
    canary, records = found
    assert not is_left(canary, redacted(records))


SECRETS: list[tuple[str, Any]] = [
    ("children", {"executions": [{"status": "hunter2", "itemCount": "hunter2"}, 7]}),
    ("children", {"executions": "hunter2", "more": ["hunter2"]}),
    ("machine-executions", {"running": ["hunter2"], "newest": {"name": "hunter2"}}),
    ("machine-executions", {"machine_arn": 987, "running_complete": "hunter2"}),
    ("map-run", {"mapRunArn": "x", "executionCounts": {"failed": "hunter2", "x": 987}}),
    ("map-run", {"itemCounts": ["hunter2"], "maxConcurrency": "hunter2", "e": [987]}),
    (
        "task-state",
        {"detail-type": "hunter2", "source": "hunter2", "detail": "hunter2"},
    ),
    ("task-state", {"resources": "hunter2", "detail": {"version": "hunter2"}}),
    ("task-state", {"detail": {"containers": ["hunter2", {"exitCode": 98765}]}}),
    ("definition", {"definition": "hunter2", "loggingConfiguration": ["hunter2"]}),
    ("lookup", {"CloudTrailEvent": "hunter2", "Resources": {"hunter2": 987}}),
    ("health", {"lane": "hunter2", "state": "hunter2", "lag": "hunter2", "n": 987}),
    ("request", {"note": "hunter2", "seconds": "hunter2", "outcome": "hunter2"}),
    ("unread", {"Gromit": {"hunter2": [987, True, None, "x hunter2"]}}),
]


@pytest.mark.parametrize(("kind", "data"), SECRETS)
def test_what_is_not_of_the_type_of_its_field_is_a_payload(
    kind: str, data: Any
) -> None:
    text = text_of(redacted([receive(aws.at(1), kind, aws.ARN, data)]))
    assert not {"hunter2", "987", "98765"} & set(re.findall(r"\w+", text))


# -- names -----------------------------------------------------------------------------


INTEGRATIONS = (
    *("arn:aws:states:::ecs:runTask.sync:2", "arn:aws:states:::aws-sdk:ecs:runTask"),
    "states.amazonaws.com",
)


@pytest.mark.parametrize(
    ("text", "alias"),
    [
        (aws.ARN, f"arn:aws:states:{HOME}:execution:machine-1:execution-1"),
        (aws.MAP_RUN_ARN, f"arn:aws:states:{HOME}:mapRun:machine-1/label-1:{UUID}"),
        (
            "arn:aws:iam::1:role/service-role/team/x",
            "arn:aws:iam::000000000001:role/service-role/path-1/role-1",
        ),
        (
            "arn:aws:sts::123456789012:assumed-role/x/BmhovYkXBawuygrHoBxDrrpmDaQlMwtW",
            f"arn:aws:sts::000000000001:assumed-role/role-1/{SESSION}",
        ),
        (f"{aws.TASK_ARN}.", f"{TASK}."),
        *((arn, arn) for arn in INTEGRATIONS),
        (
            "arn:aws:lambda:eu-west-1:123456789012:function:x:$LATEST",
            "arn:aws:lambda:eu-west-1:000000000001:function:function-1:$LATEST",
        ),
        ("arn:aws:s3:::acme/in.csv", "arn:aws:s3:::bucket-1/object-1"),
        (
            "arn:aws:zork:us-zork-1:1:zork/x",
            "arn:aws:name-1:region-1:000000000001:name-1/name-2",
        ),
        ("AROA2EOTIX5T6KFUPMZIY:jane", "access-key-1:name-1"),
        ("subnet-0123456789abcdef0", "network-id-1"),
        *((it, "address-1") for it in ("10.0.0.7", "fe80::1:2", "06:00:5e:00:53:01")),
        ("jane@acme.example", "email-1"),
        ("2024-02-29T10:00:00Z", "time-1"),
        ("family:acme", "family:name-1"),
        ("health.s3.eu-west-1.amazonaws.com", "service-1.amazonaws.com"),
        (
            "https://sqs.amazonaws.com/123456789012/jobs",
            "https://sqs.amazonaws.com/000000000001/name-1",
        ),
        ("a/" * 40, "name-1"),
    ],
)
def test_names_are_replaced_part_by_part(text: str, alias: str) -> None:
    assert named(text) == alias


PARTS = st.from_regex(r"[A-Za-z0-9_.-]{1,12}", fullmatch=True)
PATHS = st.lists(PARTS, min_size=1, max_size=5).map("/".join)


@examples(60)
@given(st.lists(PATHS, unique=True, min_size=1, max_size=8), st.sampled_from(",;:"))
def test_the_last_part_of_a_path_is_what_it_is_alone(
    paths: list[str], end: str
) -> None:
    head = f"arn:aws:ecs:{aws.REGION}:{aws.ACCOUNT}:task/"
    texts = [text for p in paths for text in (f"{head}{p}", p + end, p.split("/")[-1])]
    told = [
        record.record["name"]
        for record in redacted([aws.received("describe", {"name": t}) for t in texts])
    ]
    for arn, path, last in zip(told[::3], told[1::3], told[2::3], strict=True):
        assert arn.rpartition("/")[2] == last.rpartition("/")[2]
        assert path.rstrip(end).rpartition("/")[2] == last.rstrip(end)
    assert len(set(told[::3])) == len(paths)


def test_every_call_of_every_integration_keeps_its_name() -> None:
    for job in JOBS:
        events = (job.action_event, *job.poll_events, *job.stop_events)
        for name in (*events, f"{job.action_event}20150331v2"):
            one = aws.api_call(name, 1, key="x", source=job.event_source)
            (told,) = redacted([aws.received("trail", one)])
            assert told.record["eventName"] == name
            assert told.record["eventSource"] == job.event_source
        details = {"resourceType": job.resource_type, "resource": f"{job.action}.sync"}
        assert failed(**details) == details


@pytest.mark.parametrize(
    ("error", "alias"),
    [
        *((known, known) for known in ("States.TaskFailed", "ApiGateway.403")),
        *((known, known) for known in ("Lambda.Unknown", "Client.RequestExpired")),
        ("DynamoDb.ResourceNotFoundException",) * 2,
        ("SecretsManager.SecretsManagerException",) * 2,
        ("CardDeclined", "Error-1"),
        ("CardNotFoundException", "Error-1"),
        ("Lambda.CardDeclined", "Error-1"),
        ("Lambda.4915112345678", "Error-1"),
        ("Acme.Timeout", "Error-1"),
    ],
)
def test_errors_keep_their_names_if_they_are_aws_s(error: str, alias: str) -> None:
    assert failed(error=error)["error"] == alias


def test_names_are_numbered_as_they_appear_and_equal_records_give_equal_ones() -> None:
    one, other = (
        redacted(aws.sync_run(denied=True)),
        redacted(aws.sync_run(denied=True)),
    )
    assert one == other
    parsed = parse_execution_arn(str(one[0].execution_arn))
    assert (parsed.account, parsed.region) == ("000000000001", aws.REGION)
    assert (parsed.state_machine_name, parsed.name) == ("machine-1", "execution-1")


def test_a_redacted_recording_can_be_redacted_again() -> None:
    records = [*aws.photos(), *aws.sync_run(denied=True)]
    once = redacted(records)
    twice = redacted(once)
    assert outline(twice) == outline(once) == outline(records)
    names = [{str(r.execution_arn) for r in told} for told in (once, twice)]
    assert not names[0] & names[1] - {"None"}


def test_an_alias_that_somebody_uses_as_a_name_is_nobody_else_s() -> None:
    arn = f"arn:aws:states:{aws.REGION}:000000000001:execution:machine-1:Gromit"
    text = text_of(redacted([aws.describe(arn=arn)]))
    assert "machine-2" in text
    assert "machine-1" not in text
    assert "000000000001" not in text


# -- states ----------------------------------------------------------------------------

MACHINE = """{
  "Comment": "Gromit's", "StartAt": "Fan out", "TimeoutSeconds": 60, "Gromit": 4711,
  "States": {
    "Fan out": {
      "Type": "Parallel", "Next": "Pick",
      "Branches": [
        {"StartAt": "A", "States": {"A": {
          "Type": "Task", "Resource": "arn:aws:states:::ecs:runTask.sync",
          "Parameters": {"Cluster": "gromit", "Secret.$": "$.gromit"},
          "Credentials": {"RoleArn": "arn:aws:iam::123456789012:role/gromit"},
          "Retry": [{"ErrorEquals": ["States.Timeout", "Gromit"],
            "IntervalSeconds": 3, "MaxAttempts": 2, "BackoffRate": 1.5}],
          "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "B"}], "End": true}}},
        {"StartAt": "B", "States": {"B": {"Type": "Pass", "Result": [1, "gromit"]}}}
      ]},
    "Pick": {"Type": "Choice", "Default": "End of it", "Choices": [
      {"Not": {"Variable": "$.gromit", "StringEquals": "gromit"}, "Next": "Each"}]},
    "Each": {"Type": "Map", "ItemProcessor": {
      "ProcessorConfig": {"Mode": "INLINE"}, "StartAt": "C", "States": {"C": {
        "Type": "Task",
        "Resource": "arn:aws:lambda:eu-west-1:123456789012:function:g"}}}},
    "End of it": {"Type": "Fail", "Error": "Gromit", "Cause": "Gromit went out"}
  }
}"""


def test_a_definition_keeps_what_can_happen_and_says_nothing_of_what_on() -> None:
    (told,) = redacted([receive(None, "definition", aws.ARN, {"definition": MACHINE})])
    text = told.record["definition"]
    before, after = parse_definition(MACHINE), parse_definition(text)
    assert [t.integration for t in after.tasks] == [t.integration for t in before.tasks]
    assert after.branches == {"state-1": ("state-5", "state-6")}
    assert "gromit" not in text.lower()
    assert "4711" not in text
    for kept in (
        '"IntervalSeconds":3',
        '"BackoffRate":1.5',
        "States.Timeout",
        "INLINE",
    ):
        assert kept in text


def test_names_of_states_are_kept_if_asked_for_and_where_they_are_that() -> None:
    said = _RAISED
    records = [
        aws.definition({"Charge card": {"Type": "Pass"}}),
        aws.event(2, "PassStateEntered", 1, name="Charge card", input='"Charge card"'),
        aws.event(3, "ExecutionFailed", 1, cause=said.format("Charge card")),
        aws.event(4, "ExecutionFailed", 1, cause=said.format("Gromit")),
    ]
    assert "Charge card" not in text_of(redacted(records))
    kept = redacted(records, keep_state_names=True)
    entered = kept[1].record["stateEnteredEventDetails"]
    assert (entered["name"], entered["input"]) == ("Charge card", '"text-1"')
    causes = [r.record["executionFailedEventDetails"]["cause"] for r in kept[2:]]
    assert causes == [said.format("Charge card"), said.format("state-1")]


# -- sentences and payloads ------------------------------------------------------------

DENIED = (
    "User: arn:aws:sts::{}:assumed-role/{} is not authorized to perform:"
    " ecs:DescribeTasks on resource: {} because no identity-based policy allows the"
    " ecs:DescribeTasks action"
)
SDK = "(Service: {}, Status Code: 400, Request ID: {})"
OPTIMIZED = (
    "(Service: {}; Status Code: 404; Error Code: {}; Request ID: {}; Proxy: null)"
)
ID = "0b0e5a62-63c3-4f4d-9b69-7d8a4e1d2c3b"


@pytest.mark.parametrize(
    ("text", "alias"),
    [
        ("", ""),
        ("Rate exceeded", "Rate exceeded"),
        ("The bank declined the card", "text-1"),
        ("Charge 10.0.0.7 for jane@acme.example", "text-1"),
        (
            DENIED.format("123456789012", "x/y", aws.TASK_ARN),
            DENIED.format("000000000001", f"role-1/{SESSION}", TASK),
        ),
        (
            f"Requested resource not found {SDK.format('DynamoDb', ID)}",
            f"text-1 {SDK.format('DynamoDb', UUID)}",
        ),
        (
            f"Acme {OPTIMIZED.format('AWSLambda', 'AcmeException', 'x')}",
            f"text-1 {OPTIMIZED.format('AWSLambda', 'Error-1', 'request-1')}",
        ),
        (f"no {aws.TASK_ARN}.", f"text-1 {TASK}."),
        ("is it 123456789012, really", "text-1 000000000001 text-2"),
        (
            json.dumps({"Cause": "Mine", "n": [1.5]}),
            '{"Cause":"value-1","key-1":[-1.0]}',
        ),
    ],
)
def test_of_a_sentence_aws_s_words_stay(text: str, alias: str) -> None:
    assert failed(cause=text)["cause"] == alias


@examples(50)
@given(st.text(max_size=20), st.text(max_size=20))
def test_different_sentences_stay_different(one: str, other: str) -> None:
    told = payload([f"Q {one}", f"Q {other}"])
    assert told[0] != told[1] or one.strip() == other.strip()


def test_a_payload_keeps_its_structure_and_aws_s_keys() -> None:
    given_ = {
        "TaskArn": aws.TASK_ARN,
        "StoppedAt": 1700011200000,
        "CreatedAt": "2023-11-15T00:28:24Z",
        "Containers": [{"ExitCode": 137, "Name": "acme", "Cpu": 256}],
        "LastStatus": "STOPPED",
        "JobId": "STOPPED",
        "acme": {"TaskArn.$": "$.acme", "vip": True, "n": None, "l": [[], {}, ""]},
        "Error": "Acme",
        "createdAt": 10**18,
        "statusCode": 4915112345678,
        "cpu": 256,
        "omitted": True,
    }
    assert payload(given_) == {
        "TaskArn": TASK,
        "StoppedAt": 1700011200000,
        "CreatedAt": "2023-11-15T00:28:24Z",
        "Containers": [{"ExitCode": 137, "Name": "value-1", "Cpu": -1}],
        "LastStatus": "STOPPED",
        "JobId": "value-2",
        "key-1": {
            "TaskArn.$": "value-3",
            "key-2": False,
            "key-3": None,
            "key-4": [[], {}, ""],
        },
        "Error": "Error-1",
        "createdAt": -2,
        "statusCode": -3,
        "cpu": -1,
        "omitted": True,
    }


@examples(60)
@given(values)
def test_any_value_becomes_one_of_its_type(value: Any) -> None:
    told = payload({"v": value})["key-1"]
    assert type(told) is type(value) or isinstance(value, str)


def test_what_this_tool_says_of_itself_stays_as_far_as_it_names_nobody() -> None:
    message = f"LookupEvents on {aws.REGION}: ThrottlingException. Rate exceeded"
    agent, words = "Boto3/1 sfnwatch/0.1.0 (jane)", "ThrottlingException. Rate exceeded"
    said = health("lookup", "throttled", 1, message=message, retry_in=2.5)
    asked = call("LookupEvents", 1, key="x", user_agent=agent)
    told, own = redacted([said, asked])
    assert told.record["message"] == f"LookupEvents text-1 {words}"
    assert told.record["retry_in"] == 2.5
    trace = Trace()
    trace.add([own])
    assert trace.own_calls
    assert "jane" not in text_of([own])


def test_a_reader_is_told_what_is_kept() -> None:
    unread = receive(
        aws.at(1), "unread", aws.ARN, {"Gromit": {"n": [1, True, None, "x y"]}}
    )
    (told,) = redacted([unread])
    assert told.record == {"Key-1": {"key-2": [-1, False, None, "text-1"]}}
    kept, structure = redaction_notes([unread], keep_state_names=True)
    assert "names of states" in kept
    assert "could not be read (1)" in structure


# -- AWS's own words -------------------------------------------------------------------


def test_the_lists_are_those_of_botocore_s_models() -> None:
    """Made anew by `python -m tests.view.make_vocabulary`."""
    kept, (made, members) = json.loads(TABLE.read_text()), modeled()
    if kept["botocore"] == made["botocore"]:
        assert kept == made
    codes, today = kept["error_codes"].split(), made["error_codes"].split()
    assert len({*codes} - {*today}) < 100
    keys = json.loads((TABLE.parent / "anonymizer.json").read_text())["keys"]
    # What recordings show, but no model has.
    seen = "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID AllHttpHeaders BatchDeleteImage"
    seen += " CipherSuite ClientProvidedHostHeader TlsVersion HTTPHeaders Omitted"
    seen += " HTTPStatusCode SdkHttpMetadata SdkResponseMetadata WebIdFederationData"
    assert {*keys} - members <= {*seen.split()}


def test_no_customer_s_word_is_on_the_lists() -> None:
    words = vocabulary()
    for word in ("customer", "invoice", "payment", "acme", "patient", "salary"):
        forms = (word, word.capitalize())
        assert not any(words.is_key(f) or words.is_operation(f) for f in forms)
        assert not any(f in words.services or words.is_error(f) for f in forms)


@pytest.mark.parametrize("key", ["resources", "userIdentity", "requestParameters"])
def test_what_is_nested_past_all_reason_is_redacted_all_the_same(key: str) -> None:
    nested = f'{"[" * 900}"secret"{"]" * 900}'
    told = json.dumps({**aws.api_call("RunTask", 1, key="r"), key: "?"})
    data = told.replace('"?"', nested).encode()
    record = Received(None, RecordKind.TRAIL, None, data)
    redacted = Anonymizer.for_records([record]).redact(record)
    assert redacted.record["eventName"] == "RunTask"
    assert b"secret" not in redacted.data
