"""The faults of the demo's account, before one that shares nothing with the demo."""

from collections.abc import Iterator

import pytest

from tests.reliability.storms import weathered
from tests.reliability.twin import Twin, soon, twin
from tests.reliability.weather import Kind, alone, drawn


@pytest.fixture(scope="module")
def ran() -> Iterator[Twin]:
    with twin() as ran:
        yield ran


@pytest.mark.parametrize("seed", [2])
def test_no_schedule_of_faults_loses_or_doubles_anything(ran: Twin, seed: int) -> None:
    outcome = weathered(soon(drawn(seed)), ran)
    assert outcome.wrong == []
    assert outcome.seen == outcome.expected > 100
    assert outcome.doubled == 0


@pytest.mark.parametrize("kind", [Kind.GARBAGE, Kind.OUTAGE])
def test_a_kind_of_fault_alone_costs_nothing(ran: Twin, kind: Kind) -> None:
    outcome = weathered(soon(alone(kind)), ran)
    assert outcome.wrong == []
    assert outcome.injected[kind] > 0
