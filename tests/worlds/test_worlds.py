"""A link may be missing; it may not be wrong, whoever else works in the same role."""

import pytest

from sfnwatch.model.linking.link import Certainty
from tests.worlds.judge import Score, judge_seeds

SEEDS = range(150)


@pytest.fixture(scope="module")
def score() -> Score:
    return judge_seeds(SEEDS)


def test_no_exact_link_is_wrong(score: Score) -> None:
    assert not [*map(str, score.wrong(Certainty.EXACT))]


def test_no_strong_link_is_wrong(score: Score) -> None:
    assert not [*map(str, score.wrong(Certainty.STRONG))]


def test_what_is_provable_is_exact_or_strong(score: Score) -> None:
    assert score.recall >= 0.99, [*map(str, score.missing)]


def test_no_call_is_matched_twice(score: Score) -> None:
    assert not [*map(str, score.twice)]


def test_no_fact_is_false(score: Score) -> None:
    assert score.facts
    assert not score.false


def test_links_do_not_depend_on_the_order_of_records(score: Score) -> None:
    assert not score.unstable
