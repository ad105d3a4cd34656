"""Free memory is given back where the system has a way to, and nothing else happens."""

import ctypes

import pytest

from sfnwatch.tui import trimming
from sfnwatch.tui.trimming import give_back


@pytest.fixture(autouse=True)
def _unknown() -> None:
    trimming._trim.cache_clear()


def test_it_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, ...]] = []

    class Library:
        def malloc_trim(self, *left: int) -> None:
            asked.append(left)

        def mallopt(self, *told: int) -> None:
            asked.append(told)

    monkeypatch.setattr(ctypes, "CDLL", lambda _: Library())
    give_back()
    give_back()
    assert asked == [(-3, 65536), (0,), (0,)]


@pytest.mark.parametrize("refusal", [OSError, TypeError])
def test_where_that_cannot_be_asked_for_it_is_kept(
    monkeypatch: pytest.MonkeyPatch, refusal: type[Exception]
) -> None:
    def refuse(_: object) -> None:
        raise refusal

    monkeypatch.setattr(ctypes, "CDLL", refuse)
    give_back()
    assert trimming._trim() is None


def test_a_library_without_a_way_to_is_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    give_back()
