"""What is kept of all the calls that come by, and what is held back until it may be."""

from datetime import timedelta
from itertools import permutations

import pytest

from sfnwatch.sources.held import Held
from sfnwatch.sources.sieve import Sieve
from sfnwatch.sources.subjects import Subjects
from sfnwatch.trace.arns import parse_execution_arn
from sfnwatch.trace.events import From, Received
from tests.builders import ARN, ROLE, START, call, event

OTHER = ROLE.replace("role/", "role/other-")


def subjects() -> Subjects:
    return Subjects([parse_execution_arn(ARN)])


def started(watched: Subjects) -> None:
    watched.each[0].observe(event(1, "ExecutionStarted", 0, roleArn=ROLE, input="{}"))


def ids(records: tuple[Received, ...]) -> list[str]:
    return [str(received.data["EventId"]) for received in records]


def test_what_is_by_another_role_is_not_kept() -> None:
    watched = subjects()
    started(watched)
    ours, theirs = call("RunTask", 1, key="a"), call("RunTask", 1, key="b", role=OTHER)
    assert ids(Sieve(watched).take([ours, theirs])) == ["a"]


def test_nothing_is_kept_twice() -> None:
    watched = subjects()
    started(watched)
    sieve, ours = Sieve(watched), call("RunTask", 1, key="a")
    assert ids(sieve.take([ours, ours])) == ["a"]
    assert sieve.take([ours]) == ()


def test_what_comes_before_its_role_is_known_is_held_and_then_kept() -> None:
    watched = subjects()
    watched.each[0].roles.add("some-first-role")
    sieve, ours = Sieve(watched), call("RunTask", 1, key="a")
    assert sieve.take([ours]) == ()
    started(watched)
    assert ids(sieve.take([])) == ["a"]
    assert sieve.take([ours]) == ()


@pytest.mark.parametrize("order", [*permutations("abc")])
def test_no_order_loses_anything(order: tuple[str, ...]) -> None:
    watched = subjects()
    watched.each[0].roles.add("some-first-role")
    sieve = Sieve(watched)
    found: list[str] = []
    for key in order:
        found += ids(sieve.take([call("RunTask", 1, key=key)]))
    started(watched)
    found += ids(sieve.take([]))
    assert sorted(found) == ["a", "b", "c"]


def test_only_so_many_are_held_and_the_newest_stay() -> None:
    watched = subjects()
    watched.each[0].roles.add("some-first-role")
    sieve = Sieve(watched, Held(most=3))
    sieve.take([call("RunTask", n, key=f"{n}") for n in range(5)])
    started(watched)
    assert ids(sieve.take([])) == ["2", "3", "4"]


def test_what_the_role_did_in_other_executions_is_held_and_not_kept() -> None:
    watched = subjects()
    started(watched)
    sieve = Sieve(watched)
    early = call("RunTask", -6, key="before")
    late = call("StopTask", 905, key="after")
    amid = [call("RunTask", -4, key="a"), call("StopTask", 899, key="b")]
    assert ids(sieve.take([early, *amid])) == ["a", "b"]
    watched.each[0].observe(event(2, "ExecutionSucceeded", 0))
    assert sieve.take([late]) == ()
    watched.each[0].observe(event(3, "ExecutionRedriven", 902))
    assert ids(sieve.take([])) == ["after"], "it was of the redrive"


def test_what_came_before_it_was_known_when_they_were_is_looked_at_again() -> None:
    arns = [parse_execution_arn(f"{ARN}{n}") for n in range(2)]
    watched = Subjects(arns)
    for one in watched.each:
        one.roles.add("StepFunctions-sync-role")
    watched.each[0].started_at = START + timedelta(seconds=60)
    sieve = Sieve(watched)
    by_itself = call("ListTasks", 1, key="b", invoked_by=None)
    assert sieve.take([call("RunTask", 0, key="a"), by_itself]) == ()
    watched.each[1].started_at = START
    assert ids(sieve.take([])) == ["a", "b"]


def test_what_cannot_be_read_is_handed_on_as_such() -> None:
    bad = Received(None, From.TRAIL, None, {"eventName": "RunTask"})
    assert [r.source for r in Sieve(subjects()).take([bad])] == [From.UNREAD]
