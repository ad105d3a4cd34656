"""Why a call is matched, or is not: in sentences, with nothing left out."""

import json
import unicodedata
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sfnwatch.export.json.why import why_json
from sfnwatch.model.linking.leaf_comparison import Leaf
from sfnwatch.model.linking.link import LinkRule
from sfnwatch.model.records import Received
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.time_axis import TimeAxis
from sfnwatch.view.considered_attempts import (
    considered_attempts,
    left_out_count,
    unsure_calls,
)
from sfnwatch.view.why_document import why_document
from sfnwatch.view.why_words import leaf_words, match_verdict
from tests import builders as aws
from tests.analysis.finding_in import text_of
from tests.builders import ARN, REQUEST_RESPONSE, SYNC, History, call
from tests.model.answers import trace_of
from tests.tui.screens import RECORDINGS, recorded

FAMILY = f"arn:aws:ecs:{aws.REGION}:{aws.ACCOUNT}:task-definition/"
TASKS = {"Tasks": [{"TaskArn": aws.TASK_ARN}]}


def asks(family: str, **more: Any) -> dict[str, Any]:
    """Write what a state asks for."""
    parameters = {"Cluster": "my-cluster", "TaskDefinition": family, **more}
    return {"parameters": json.dumps(parameters)}


def asked(family: str, **more: Any) -> dict[str, Any]:
    """Write what CloudTrail says was asked for."""
    return {"parameters": {"cluster": "my-cluster", "taskDefinition": family, **more}}


def run(*families: str) -> list[Received]:
    """Make a run with so many branches, each of which starts a task."""

    def branch(family: str) -> Callable[[History], History]:
        name = family.partition(":")[0].capitalize()
        return lambda it: it.task(name, REQUEST_RESPONSE, **asks(family))

    return History().start().parallel("Fan", *map(branch, families)).end().records


def sync(arn: str = ARN) -> list[Received]:
    each = History(arn).start()
    return each.task("Work", SYNC, submitted=TASKS, **asks("export:7")).end().records


def told_of(snapshot: Snapshot, *event_ids: str) -> str:
    return text_of(
        why_document(snapshot, [snapshot.trace.calls[each] for each in event_ids]), 100
    )


# -- the verdict -----------------------------------------------------------------------

_TOLD: dict[str, Any] = {"response": {"tasks": [{"taskArn": aws.TASK_ARN}]}}
_ROLE = "StepFunctions-sync-role"
_WORK = "matched to Work #3 of run-7f3a"
_EXPORT = "matched to Fan[1] / Export #10 of run-7f3a as"
_SAME = "parameters (Cluster, TaskDefinition)"
_LATER = call("ListClusters", 900, key="later")
"""The file has all calls up to this one."""
_BARE = History().start().task("Work", REQUEST_RESPONSE).end().records
_SYNC, _TWICE = sync(), run("export:7", "export:7")
_TWO = [*run("import:3", "export:7"), _LATER]


def made(name: str, seconds: float = 1, **more: Any) -> Received:
    return call(name, seconds, key="c", **more)


_EXPORTS = made("RunTask", **asked("export:7"))
_POLLS = made("DescribeTasks", parameters={"tasks": [aws.TASK_ID]})
"""It comes at once, where Step Functions polls after a minute."""
_SECRET = made("GetSecretValue", source="secretsmanager.amazonaws.com")
_OTHERS = made("RunTask", role=aws.ROLE.replace("sync", "another"))


@pytest.mark.parametrize(
    ("records", "one", "sentence"),
    [
        (
            *(_SYNC, made("RunTask", 0, **asked("export:7"), **_TOLD)),
            f"{_WORK} as its action call: = task ARN ({aws.TASK_ARN})",
        ),
        (
            *(_SYNC, _POLLS),
            f"{_WORK} as a call about its job: likely: ~ task ARN ({aws.TASK_ID})",
        ),
        (
            *(_TWO, made("RunTask", 2, **asked("export:7"))),
            f"{_EXPORT} its action call: likely: ~ same {_SAME}",
        ),
        (
            *(_BARE, made("RunTask", 0)),
            f"{_WORK} as its action call: a guess: ? role, action, time ({_ROLE})",
        ),
        (_TWICE, _EXPORTS, "? one of 2: all that can be compared is alike"),
        (
            *(_SYNC, _SECRET),
            f"not matched: made with the role {_ROLE}, but no attempt here fits",
        ),
        (_SYNC, _OTHERS, "not matched: no execution here has to do with it"),
    ],
)
def test_the_verdict_is_one_sentence(
    records: list[Received], one: Received, sentence: str
) -> None:
    snapshot = trace_of(*records, one).as_of()
    assert match_verdict(snapshot, snapshot.trace.calls["c"]) == sentence


# -- what is said of each attempt ------------------------------------------------------


def test_of_an_ambiguous_call_all_that_was_considered_is_told() -> None:
    snapshot = trace_of(
        *run("import:3", "export:7", "export:7"),
        call("RunTask", 2, key="call-1", **asked(f"{FAMILY}export:7")),
    ).as_of()
    assert (
        told_of(snapshot, "call-1")
        == f"""\
RunTask at 2023-11-15 00:28:26 UTC
  ? one of 2: all that can be compared is alike
  ecs.amazonaws.com in ap-northeast-1, event ID call-1
  role StepFunctions-sync-role, through states.amazonaws.com

  candidate: Fan[1] / Export #10 of run-7f3a, succeeded
    for: same Cluster: my-cluster
    for: same TaskDefinition: export:7, the call has
      {FAMILY}export:7

  candidate: Fan[2] / Export #15 of run-7f3a, succeeded
    for: same Cluster: my-cluster
    for: same TaskDefinition: export:7, the call has
      {FAMILY}export:7
    against: it came 0.30 s too early, and clocks may differ by as much

  ruled out: Fan[0] / Import #5 of run-7f3a, succeeded
    for: same Cluster: my-cluster
    against: other TaskDefinition: import:3, the call has
      {FAMILY}export:7
"""
    )


def test_of_a_poll_both_sides_ids_are_told_and_of_a_denied_call_its_error() -> None:
    message = f"not authorized to perform: ecs:DescribeTasks on {aws.TASK_ARN}"
    snapshot = trace_of(
        *sync(),
        *sync(arn=aws.OTHER_ARN)[:3],
        call("DescribeTasks", 1, key="poll", error=("AccessDenied", message)),
        call("GetSecretValue", 1, key="none", source="secretsmanager.amazonaws.com"),
    ).as_of()
    told = told_of(snapshot, "poll", "none")
    assert f"failed with AccessDenied: {message}" in " ".join(told.split())
    head, other = told.index("matched: Work #3 of 7f3a"), told.index("ruled out: Work")
    assert f"for: task ARN {aws.TASK_ARN}" in " ".join(told[head:other].split())
    assert "against: the attempt was never submitted" in told[other:]
    nobody = told[told.index("GetSecretValue at") :]
    assert "No attempt here makes such calls, or has an ID that it names." in nobody


@pytest.mark.parametrize(
    ("leaf", "words"),
    [
        (Leaf("Cluster", "c1", "c1"), ("Cluster", "c1")),
        (Leaf("Cpu", "256", 256), ("Cpu", "256")),
        (Leaf("Cpu", 256, 512), ("Cpu", "256, the call has 512")),
        (Leaf("On", True, False), ("On", "true, the call has false")),
        (Leaf("Groups", ("b", "a"), ("b", "a")), ("Groups", "b, a")),
        (Leaf("Groups", ("b",), frozenset("ab")), ("Groups", "b, the call has a, b")),
        (Leaf("Name", "", "x"), ("Name", "an empty text, the call has x")),
        (Leaf("Names", (), "x"), ("Names", "nothing, the call has x")),
        (Leaf("a\x1b[2J", "\u202ex", "\u202ex"), ("a\u241b[2J", "\ufffdx")),
    ],
)
def test_a_parameter_is_told_with_its_value_or_with_both(
    leaf: Leaf, words: tuple[str, str]
) -> None:
    assert leaf_words(leaf) == words


def calls_recorded() -> Iterator[tuple[Snapshot, str]]:
    for path in sorted(RECORDINGS.iterdir()):
        snapshot = trace_of(*recorded(path.name.partition(".")[0])).as_of()
        yield from ((snapshot, call.event_id) for call in snapshot.calls[:60])


def test_nothing_that_was_weighed_is_hidden_in_any_recording() -> None:
    ruled_out = 0
    for snapshot, event_id in calls_recorded():
        made = snapshot.trace.calls[event_id]
        told = " ".join(told_of(snapshot, event_id).split())
        facts = why_json(snapshot, made)["considered"]
        evidence = snapshot.trace.linker.evidence_of(made)
        assert len(facts) == len(evidence)
        for each in evidence:
            assert all(leaf.path in told for leaf in each.comparison.different)
            assert all(leaf.path in told for leaf in each.comparison.equal)
            names = each.comparison.different
            sentences = each.against[:-1] if names else each.against
            assert not names or each.against[-1].startswith("other parameters: ")
            assert all(f"against: {sentence}" in told for sentence in sentences)
            ruled_out += bool(sentences)
        assert all(c.isprintable() or unicodedata.category(c) == "Zs" for c in told)
        json.dumps(facts)
    assert ruled_out > 20


# -- at a moment -----------------------------------------------------------------------


def test_an_attempt_that_has_not_come_yet_is_not_considered() -> None:
    trace = trace_of(
        *run("import:3", "export:7"), call("RunTask", 1, key="c", lag=0, **asked("x"))
    )
    made = trace.calls["c"]
    early, late = (trace.as_of(aws.at(s), TimeAxis.EVENT) for s in (1.05, 9))
    names = [
        [each.name for each in considered_attempts(m, made)] for m in (early, late)
    ]
    assert names[0] == ["Fan[0] / Import #5 of run-7f3a"]
    assert len(names[1]) == 2
    assert not left_out_count(early, made, considered_attempts(early, made))


def test_an_attempt_knows_the_ambiguous_calls_that_may_be_its_own() -> None:
    snapshot = trace_of(
        *run("export:7", "export:7"),
        call("RunTask", 1, key="one", **asked("export:7")),
        call("RunTask", 1, key="other", **asked("export:7")),
        call("RunTask", 900, key="late", **asked("export:7")),
    ).as_of()
    assert snapshot.trace.links["one"].rule is LinkRule.AMBIGUOUS
    found = unsure_calls(snapshot, snapshot.trace.links["one"].candidates[0])
    assert [each.event_id for each, _ in found] == ["one", "other"]
    assert unsure_calls(snapshot, (ARN, 99)) == []


def test_of_several_ids_the_same_one_is_named_in_every_process() -> None:
    """A set of texts has another order with each seed of their hashes."""
    arns = [f"{aws.TASK_ARN[:-1]}{digit}" for digit in "01234567"]
    tasks = {"Tasks": [{"TaskArn": arn} for arn in arns]}
    run = History().start().task("Work", SYNC, submitted=tasks, **asks("export:7"))
    poll = call("DescribeTasks", 1, key="poll", parameters={"tasks": arns})
    snapshot = trace_of(*run.end().records, poll).as_of()
    (considered,) = why_json(snapshot, snapshot.trace.calls["poll"])["considered"]
    assert considered["for"]["ids"] == [f"task ARN {arns[0]}"]
