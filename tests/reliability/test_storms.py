"""Whatever goes wrong between here and AWS: the trace is the one without faults."""

import pytest

from tests.reliability.storms import weathered
from tests.reliability.twin import soon, twin
from tests.reliability.weather import SAID, Fault, Schedule, alone, drawn

QUIET = [fault for fault in Fault if fault not in SAID]


@pytest.mark.parametrize("fault", SAID)
def test_a_kind_of_fault_alone_costs_nothing_and_is_said(fault: Fault) -> None:
    outcome = weathered(alone(fault))
    assert outcome.wrong == []
    assert outcome.injected[fault] > 0
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
