"""Several executions as one brief for the look-up."""

from datetime import timedelta

from sfnwatch.sources.subjects import Subjects
from sfnwatch.trace.arns import parse_execution_arn
from sfnwatch.trace.calls import decode_call
from tests.builders import ARN, REGION, ROLE, START, call

ECS, BATCH = (REGION, "ecs.amazonaws.com"), (REGION, "batch.amazonaws.com")
LATER = START + timedelta(seconds=30)


def two() -> Subjects:
    return Subjects([parse_execution_arn(ARN), parse_execution_arn(f"{ARN}-2")])


def test_each_query_is_asked_once() -> None:
    subjects = two()
    first, second = subjects.each
    first.plan[ECS] = None
    second.plan.update({BATCH: None, ECS: None})
    assert subjects.plan == (ECS, BATCH)
    second.trail_plan.update({BATCH: None, ECS: None})
    assert subjects.trail_plan == (BATCH, ECS)


def test_it_begins_with_the_first_start_and_ends_with_the_last_end() -> None:
    subjects = two()
    first, second = subjects.each
    assert subjects.started_at is None
    first.started_at, second.started_at = LATER, START
    assert subjects.started_at == START
    first.stopped_at = LATER
    assert subjects.stopped_at is None, "the other still runs"
    second.stopped_at = START
    assert subjects.stopped_at == LATER


def test_one_that_is_refused_is_not_waited_for() -> None:
    subjects = two()
    first, second = subjects.each
    first.stopped_at, first.over = LATER, True
    second.over = True
    assert subjects.over
    assert subjects.stopped_at == LATER


def test_looking_begins_when_one_of_them_is_known() -> None:
    subjects = two()
    assert not subjects.known.is_set()
    subjects.each[1].known.set()
    assert subjects.known.is_set()


def test_a_call_concerns_it_if_it_concerns_one() -> None:
    subjects = two()
    first, second = subjects.each
    first.roles.add("another")
    second.roles.add(ROLE.rpartition("/")[2])
    made = decode_call(call("RunTask", 1, key="x"))
    assert subjects.concerns(made)
    second.roles.clear()
    second.roles.add("a-third")
    assert not subjects.concerns(made)


def test_requests_are_the_executions_own_only_if_there_is_but_one() -> None:
    assert two().only is None
    assert Subjects([parse_execution_arn(ARN)]).only == ARN


def test_one_that_is_not_described_yet_claims_no_other_role_s_calls() -> None:
    subjects = Subjects([parse_execution_arn(ARN), parse_execution_arn(f"{ARN}-2")])
    stranger = decode_call(call("RunTask", 1, key="a", role="role/other"))
    assert subjects.concerns(stranger), "nobody's role is known: it may be theirs"
    subjects.each[0].roles.add("mine")
    assert not subjects.concerns(stranger)
    subjects.each[1].roles.add("other")
    assert subjects.concerns(stranger)
