"""Whatever goes wrong between here and AWS: the trace is the one without faults."""

import pytest

from tests.reliability import storm
from tests.reliability.storms import weathered
from tests.reliability.weather import SAID, Kind, Schedule, Spell, alone, drawn


@pytest.mark.parametrize("kind", list(Kind))
def test_a_kind_of_fault_alone_costs_nothing_and_is_said(kind: Kind) -> None:
    outcome = weathered(alone(kind))
    assert outcome.wrong == []
    assert outcome.injected[kind] > 0
    assert outcome.seen == outcome.expected > 0


@pytest.mark.parametrize("seed", range(8))
def test_no_schedule_of_faults_loses_or_doubles_anything(seed: int) -> None:
    outcome = weathered(drawn(seed))
    assert outcome.wrong == []
    assert (outcome.seen, outcome.doubled) == (outcome.expected, 0)
    assert outcome.peak <= 2


@pytest.mark.parametrize("body", storm.GARBAGE, ids=range(len(storm.GARBAGE)))
def test_a_body_that_is_no_answer_is_never_taken_for_one(
    body: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storm, "GARBAGE", (body,))
    spell = Spell(Kind.GARBAGE, 0.0, 100.0, 0.5)
    outcome = weathered(Schedule("garbage", ("async",), (spell,)))
    assert outcome.wrong == []
    assert outcome.injected[Kind.GARBAGE] > 0


@pytest.mark.parametrize("skew", [-600.0, 600.0])
def test_records_90_minutes_late_are_awaited_by_who_says_so(skew: float) -> None:
    outcome = weathered(Schedule("late", ("async",), (), skew=skew, latest=5400.0))
    assert outcome.wrong == []


def test_every_kind_that_a_lane_must_notice_has_its_word() -> None:
    quiet = {Kind.DRIP, Kind.STALE, Kind.SHRINK, Kind.REPEAT}
    assert SAID.keys() == set(Kind) - quiet - {Kind.DUPLICATE, Kind.SHUFFLE}
