"""Whatever goes wrong between here and AWS: the trace is the one without faults."""

import pytest
from msgspec.structs import replace

from tests.reliability.storm import SAID, Fault, Schedule, alone, drawn, weathered
from tests.reliability.twin import soon, twin

AGAIN = (Fault.FAIL, Fault.RESET, Fault.TRUNCATE, Fault.HALF_CLOSE, Fault.GARBAGE)
QUIET = [fault for fault in Fault if fault not in SAID]


def one_after_the_other() -> Schedule:
    """Have all that is simply asked again go wrong, each for a minute."""
    spells = enumerate(spell for fault in AGAIN for spell in alone(fault).spells)
    apart = (replace(s, start=60.0 * n, end=60.0 * n + 60) for n, s in spells)
    return Schedule("again", ("sync",), tuple(apart))


@pytest.mark.parametrize(
    "schedule",
    [one_after_the_other(), *(alone(fault) for fault in SAID if fault not in AGAIN)],
    ids=lambda schedule: schedule.seed,
)
def test_a_fault_costs_nothing_and_is_said(schedule: Schedule) -> None:
    outcome = weathered(schedule)
    assert outcome.wrong == []
    assert set(outcome.injected) == {spell.fault for spell in schedule.spells}
    assert outcome.seen == outcome.expected > 0


def test_what_can_be_put_right_is_not_even_noticed() -> None:
    spells = tuple(spell for fault in QUIET for spell in alone(fault).spells)
    outcome = weathered(Schedule("quiet", ("sync",), spells))
    assert outcome.wrong == []
    assert set(outcome.injected) == set(QUIET)


def test_no_schedule_of_faults_loses_or_doubles_anything() -> None:
    outcome = weathered(drawn(4))
    assert outcome.wrong == []
    assert (outcome.seen, outcome.doubled) == (outcome.expected, 0)


def test_records_half_an_hour_late_are_awaited_by_who_says_so() -> None:
    late = Schedule("late", ("async",), (), skew=600.0, latest=1800.0)
    assert weathered(late).wrong == []


def test_nor_does_one_before_an_account_that_is_not_the_demos() -> None:
    with twin() as ran:
        outcome = weathered(soon(drawn(8)), ran)
    assert outcome.wrong == []
    assert outcome.injected
    assert outcome.seen == outcome.expected > 100
