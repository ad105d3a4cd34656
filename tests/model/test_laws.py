"""The laws of the store: what it answers, whatever came in whichever way.

Over runs of machines at random, over recordings of the tool, and over histories that
others recorded on AWS, read where they lie.
"""

from dataclasses import dataclass
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.model.records import EVENT_KINDS, Received
from tests import examples
from tests.builders import undated
from tests.model.laws import (
    is_the_same_in_any_order,
    is_told_by_changed,
    shuffled,
    stands_as_it_stood,
)
from tests.model.machines import dice_of
from tests.model.worlds import RECORDINGS, WHOLE, WORLDS, World, recorded, rows


@dataclass(frozen=True)
class Case:
    """Some records, with or without holes in their histories, and dice to try them."""

    world: World | str
    seed: int
    holes: bool
    otherwise: bool
    """True to try the less usual way: out of files, or in no order."""

    @property
    def dice(self) -> Random:
        return dice_of(self.seed)

    @property
    def records(self) -> list[Received]:
        world, kept = self.world, dice_of(self.seed)
        records = WHOLE[world] if isinstance(world, str) else world.records
        return [
            record
            for record in records
            if not self.holes or record.kind not in EVENT_KINDS or kept.random() < 0.8
        ]


cases = st.builds(
    Case,
    WORLDS | st.sampled_from(list(WHOLE)),
    st.integers(0, 2**32),
    st.booleans(),
    st.booleans(),
)


@examples(60)
@given(cases)
def test_any_order_repetition_and_batching_gives_the_same_answers(case: Case) -> None:
    records, dice = case.records, case.dice
    if case.otherwise:
        records = [undated(r) if dice.random() < 0.5 else r for r in records]
    is_the_same_in_any_order([*records, *rows()], dice)


@examples(50)
@given(cases)
def test_a_moment_is_as_a_trace_that_was_only_given_what_had_come_by_then(
    case: Case,
) -> None:
    records = case.records
    if case.otherwise:
        records = list(map(undated, records))
    stands_as_it_stood(records, case.dice, 5)


@examples(60)
@given(cases)
def test_whoever_asks_only_for_what_changed_knows_all_there_is(case: Case) -> None:
    records, dice = [*case.records, *rows()], case.dice
    if case.otherwise:
        records = shuffled(records, dice)
    is_told_by_changed(records, dice)


@pytest.mark.parametrize("name", RECORDINGS)
def test_a_recording_holds_to_all_of_them(name: str) -> None:
    records, dice = recorded(RECORDINGS[name]), dice_of(7)
    is_the_same_in_any_order(records, dice)
    stands_as_it_stood(records, dice, 4)
    is_told_by_changed(records, dice)
