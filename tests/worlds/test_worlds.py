"""A link may be missing; it may not be wrong, whoever else works in the same role."""

import pytest

from tests.worlds.judge import EXACT, STRONG, WEAK, Score, judge_seeds

SEEDS = range(150)


@pytest.fixture(scope="module")
def score() -> Score:
    return judge_seeds(SEEDS)


def mistakes(score: Score, *rules: str) -> list[str]:
    return [str(m) for m in score.wrong(*rules, excused=False)]


def test_no_exact_link_is_wrong(score: Score) -> None:
    assert not mistakes(score, *EXACT)


def test_no_strong_link_is_wrong(score: Score) -> None:
    assert not mistakes(score, *STRONG)


def test_no_guess_is_wrong_where_calls_and_strangers_are_known(score: Score) -> None:
    assert not mistakes(score, *WEAK)


def test_guesses_are_seldom_wrong_where_strangers_are_not_known(score: Score) -> None:
    wrong = score.wrong(*WEAK, excused=True)
    assert len(wrong) * 200 <= len(score.verdicts)


def test_what_can_be_known_is_found(score: Score) -> None:
    assert score.recall() >= 0.95, [*map(str, score.missing)]


def test_links_do_not_depend_on_the_order_of_records(score: Score) -> None:
    assert not score.unstable
