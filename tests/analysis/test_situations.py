"""What is found in each situation: sentences, certainty, evidence and figures."""

import json
from pathlib import Path

import pytest

from sfnwatch.model.values import ascii_json
from tests.analysis.__main__ import (
    COMPARED_AS,
    EXPECTED,
    EXPLAINED_AS,
    WRITTEN,
    compared,
    explanation,
    told_of,
    written,
)
from tests.analysis.compared import COMPARED
from tests.analysis.situations import EXPLAINED, SITUATIONS


def sections(path: Path) -> dict[str, str]:
    """Read what was written, by the names of what it is about."""
    told = (section.strip() for section in path.read_text("utf-8").split("\n\n"))
    return {each.partition("\n")[0].removeprefix("## "): each for each in told}


SECTIONS, PAIRS = sections(EXPECTED), sections(COMPARED_AS)
EXPLANATIONS = sections(EXPLAINED_AS)


def test_each_has_its_section() -> None:
    assert list(SECTIONS) == list(SITUATIONS)
    assert list(PAIRS) == list(COMPARED)
    assert list(EXPLANATIONS) == list(EXPLAINED)


@pytest.mark.parametrize("name", EXPLAINED)
def test_what_is_explained_is_what_was_looked_at(name: str) -> None:
    assert explanation(name) == EXPLANATIONS[name]


@pytest.mark.parametrize("name", COMPARED)
def test_what_is_told_of_a_pair_is_what_was_looked_at(name: str) -> None:
    assert compared(name) == PAIRS[name]


@pytest.mark.parametrize("name", SITUATIONS)
def test_what_is_found_is_what_was_looked_at(name: str) -> None:
    assert told_of(name) == SECTIONS[name]


def test_what_programs_read_is_what_was_looked_at() -> None:
    assert json.loads(ascii_json(written())) == json.loads(WRITTEN.read_text("utf-8"))
