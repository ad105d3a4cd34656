"""What is found in each situation: sentences, certainty, evidence and figures."""

import json

import pytest

from sfnwatch.model.values import ascii_json
from tests.analysis.__main__ import EXPECTED, WRITTEN, told_of, written
from tests.analysis.situations import SITUATIONS

SECTIONS = {
    section.partition("\n")[0].removeprefix("## "): section.strip()
    for section in EXPECTED.read_text("utf-8").split("\n\n")
}


def test_every_situation_has_its_section() -> None:
    assert list(SECTIONS) == list(SITUATIONS)


@pytest.mark.parametrize("name", SITUATIONS)
def test_what_is_found_is_what_was_looked_at(name: str) -> None:
    assert told_of(name) == SECTIONS[name]


def test_what_programs_read_is_what_was_looked_at() -> None:
    assert json.loads(ascii_json(written())) == json.loads(WRITTEN.read_text("utf-8"))
