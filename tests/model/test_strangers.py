"""Who else ran on a machine: a number where the lists prove it, and nothing else."""

from collections.abc import Sequence
from datetime import datetime
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from sfnwatch.model.other_executions import SETTLED
from sfnwatch.model.records import Received
from sfnwatch.model.trace import Trace
from tests import builders as aws
from tests import examples
from tests.builders import ARN, HEAD, MACHINE_ARN, at

Ran = tuple[str, float, float | None]
"""An execution's name, and from when to when it ran; without an end it runs yet."""
DAY = 86_400.0


def item(ran: Ran, asked: float) -> dict[str, Any]:
    """Build an item as it was when it was asked for."""
    name, start, stop = ran
    end = stop if stop is not None and stop <= asked else None
    return aws.listed(f"{HEAD}:execution:nightly-report:{name}", start, end)


def asking(
    asked: float,
    *all_: Ran,
    most: int = 100,
    running_first: bool = False,
    machine: str = MACHINE_ARN,
) -> Received:
    """Answer as AWS does, and read no more than so many of each list.

    Documented is the order of those that run, and of the others; not whether the two
    are merged.
    """
    ran = [each for each in all_ if each[1] <= asked]
    running = [e for e in ran if e[2] is None or e[2] > asked]
    ended = [e for e in ran if e not in running]
    running.sort(key=lambda e: -e[1])
    ended.sort(key=lambda e: -(e[2] or 0.0))
    newest = [*running, *ended]
    if not running_first:
        newest.sort(key=lambda e: -(e[1] if e in running else e[2] or 0.0))
    return aws.machine_executions(
        asked,
        machine_arn=machine,
        running=[item(each, asked) for each in running[:most]],
        running_complete=len(running) <= most,
        newest=[item(each, asked) for each in newest[:most]],
        newest_complete=len(newest) <= most,
    )


def others(
    askings: Sequence[Received],
    begin: float,
    end: float | None,
    arn: str = ARN,
    watched: Sequence[str] = (ARN,),
) -> int | None:
    trace = Trace()
    trace.add(askings)
    assert not trace.unread
    until = None if end is None else at(end)
    return trace.execution_lists.count_others(arn, at(begin), until, watched)


MINE: Ran = ("run-7f3a", 0, 300)
BEFORE, INTO, WITHIN, ACROSS, AFTER, YET = (
    ("before", -600, -500),
    ("into", -DAY, 10),
    ("within", 100, 200),
    ("across", -DAY, 400),
    ("after", 350, 380),
    ("yet", -2 * DAY, None),
)


# -- what is known -----------------------------------------------------------------


def test_that_nobody_else_ran_is_a_claim_that_takes_an_answer() -> None:
    assert others([asking(420, MINE)], 0, 300) == 0
    assert others([asking(420)], 0, 300) == 0
    assert others([], 0, 300) is None
    of_another = asking(420, machine=f"{HEAD}:stateMachine:archive")
    assert others([of_another], 0, 300) is None


def test_what_is_watched_too_is_nobody_else() -> None:
    lists, beside = asking(420, MINE, WITHIN, YET), f"{HEAD}:execution:nightly-report:"
    assert others([lists], 0, 300, watched=[ARN, f"{beside}within"]) == 1
    assert others([lists], 0, 300, watched=[]) == 3


def test_nothing_is_known_after_the_last_asking_nor_a_little_before_it() -> None:
    lists, settled = asking(420, MINE), 420 - SETTLED.total_seconds()
    assert others([lists], 0, settled) == 0
    assert others([lists], 0, settled + 0.001) is None
    assert others([lists], 0, None) == 0, "as of that asking"
    assert others([lists], settled + 0.001, None) is None


def test_lists_prove_nothing_from_before_the_last_end_that_they_have() -> None:
    lists = asking(420, MINE, BEFORE, INTO, WITHIN, ACROSS, most=2)
    assert others([lists], 301, 400) == 1, "the one that ended at 400"
    assert others([lists], 300, 400) is None, "another may have ended in that moment"


def test_those_that_run_must_all_be_listed() -> None:
    running: list[Ran] = [(f"r{n}", -n, None) for n in range(3)]
    assert others([asking(420, MINE, *running, most=2)], 310, 400) is None
    assert others([asking(420, MINE, *running, most=3)], 310, 400) == 3
    lists = asking(420, MINE, *running, most=3, running_first=True)
    assert others([lists], 310, 400) is None, "no end is in the list"


def test_ends_that_are_out_of_order_say_nothing_of_what_was_not_read() -> None:
    three = asking(420, ("a", 0, 10), ("b", 0, 20), ("c", 0, 30))
    lists = aws.changed(three, newest_complete=False)
    assert others([lists], 11, 400) == 2
    first, *rest = lists.record["newest"]
    assert others([aws.changed(lists, newest=[*rest, first])], 11, 400) is None


def test_askings_that_overlap_prove_together_what_none_does_alone() -> None:
    early = asking(20, MINE, BEFORE, INTO, most=3)
    ended: list[Ran] = [(f"e{n}", 20 + n, 21 + n) for n in range(5)]
    gap = asking(400, MINE, BEFORE, INTO, *ended, most=3)
    assert others([early, gap], 0, 390) is None
    joined = asking(400, MINE, BEFORE, INTO, *ended, most=7)
    assert others([joined], 0, 390) is None
    assert others([early, joined], 0, 390) == 6
    assert others([joined, early], 0, 390) == 6


def test_what_ended_a_month_before_it_was_asked_for_may_have_been_forgotten() -> None:
    assert others([asking(29 * DAY, MINE)], 0, 300) == 0
    assert others([asking(31 * DAY, MINE)], 0, 300) is None


@pytest.mark.parametrize(
    "arn", [aws.EXPRESS_ARN, f"{HEAD}:execution:nightly-report/Each:a", "run-7f3a"]
)
def test_of_what_no_machine_s_list_has_nothing_is_known(arn: str) -> None:
    assert others([asking(420, machine=f"{HEAD}:stateMachine:x")], 0, 9, arn) is None


# -- records -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "more", [{"machine_arn": None}, {"running": None}, {"newest": {}}]
)
def test_what_is_no_answer_is_counted_and_says_nothing(more: dict[str, Any]) -> None:
    trace = Trace()
    changed = trace.add([aws.changed(asking(420, MINE), **more)])
    assert len(trace.unread) == 1
    assert not changed.machines
    assert trace.execution_lists.count_others(ARN, at(0), at(300), [ARN]) is None


def test_items_may_hold_anything() -> None:
    odd: list[Any] = [7, {}, {"executionArn": 7}, {"executionArn": "x"}]
    lists = aws.changed(asking(420, MINE, WITHIN), running=odd)
    undated = aws.changed(lists, asked_at=...)
    assert others([lists], 0, 300) == others([undated], 0, 300) == 2
    unsure = aws.changed(undated, newest_complete="yes")
    assert others([unsure], 0, 300) is None


def test_a_batch_tells_of_which_machines_more_is_known() -> None:
    trace = Trace()
    assert trace.add([asking(10, MINE)]).machines == {MACHINE_ARN}
    assert not trace.add([asking(10, MINE)]).machines
    assert trace.add([asking(420, MINE)]).machines == {MACHINE_ARN}


# -- laws ------------------------------------------------------------------------------


class Machine(Struct):
    """What ran on a machine, what was asked, and a span somebody wonders about."""

    ran: list[Ran]
    asked: list[float]
    most: int
    running_first: bool
    begin: float
    end: float

    @property
    def askings(self) -> list[Received]:
        return [
            asking(each, *self.ran, most=self.most, running_first=self.running_first)
            for each in self.asked
        ]

    @property
    def truth(self) -> int:
        """Count those that ran in the span."""
        return sum(
            start <= self.end and (stop is None or stop >= self.begin)
            for _, start, stop in self.ran
        )


@st.composite
def machines(draw: st.DrawFn) -> Machine:
    times = st.integers(0, 60).map(float)
    spans = draw(st.lists(st.tuples(times, st.none() | times), max_size=12))
    ran: list[Ran] = [
        (f"run-{n}", start, None if length is None else start + length)
        for n, (start, length) in enumerate(spans)
    ]
    begin = draw(times)
    return Machine(
        ran,
        draw(st.lists(st.integers(0, 150).map(float), max_size=4)),
        draw(st.integers(1, 12)),
        draw(st.booleans()),
        begin,
        begin + draw(times),
    )


@examples(120)
@given(machines(), st.randoms(use_true_random=False))
def test_a_number_is_right_in_whatever_order_the_answers_come(
    machine: Machine, dice: Random
) -> None:
    askings = machine.askings
    found = others(askings, machine.begin, machine.end, watched=())
    assert found in {None, machine.truth}
    again = [*askings, *askings]
    dice.shuffle(again)
    assert others(again, machine.begin, machine.end, watched=()) == found
    until: datetime = at(machine.end) + SETTLED
    is_whole = machine.most >= len(machine.ran)
    if is_whole and any(at(each) >= until for each in machine.asked):
        assert found is not None


@examples(80)
@given(machines())
def test_another_answer_never_takes_away_what_was_known(machine: Machine) -> None:
    askings = machine.askings
    for count in range(len(askings)):
        known = others(askings[:count], machine.begin, machine.end, watched=())
        more = others(askings[: count + 1], machine.begin, machine.end, watched=())
        assert known is None or known == more
