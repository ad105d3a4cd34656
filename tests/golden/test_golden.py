"""What was said of recordings is said again.

`python -m tests.golden PROGRAM` makes the golden files: look at what git says of them
before they are committed.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.cli.conftest import program
from tests.cli.programs import Program as Here
from tests.golden.answers import (
    DIGESTS,
    EXPECTED,
    Ended,
    Program,
    ask,
    differences,
    digests,
    read_whole,
)
from tests.golden.inputs import ABSENT, FIXTURES, fixture_cases, own_cases

__all__ = ["program"]
OWN, OTHERS = own_cases(), fixture_cases()
TOLD = json.loads(DIGESTS.read_text("utf-8"))


@pytest.fixture
def here(program: Here) -> Program:
    """The program in this process: to start one takes longer than what it does."""

    def run(words: Sequence[str], folder: Path) -> Ended:
        del folder
        ended = program(*words)
        return Ended(ended.code, ended.out, ended.err)

    return run


def test_every_recording_has_its_golden_files() -> None:
    assert {path.stem for path in EXPECTED.iterdir()} == set(OWN)
    assert set(TOLD) == set(OTHERS)


@pytest.mark.parametrize("name", OWN)
def test_a_recording_of_ours_says_what_it_said(
    name: str, here: Program, tmp_path: Path
) -> None:
    answer = ask(here, OWN[name](tmp_path), tmp_path)
    found = differences(read_whole(name), answer)
    assert not found, "\n".join(found)


@pytest.mark.skipif(not FIXTURES.is_dir(), reason=ABSENT)
@pytest.mark.parametrize("name", OTHERS)
def test_a_recording_of_others_says_what_it_said(
    name: str, here: Program, tmp_path: Path
) -> None:
    answer = ask(here, OTHERS[name](FIXTURES, tmp_path), tmp_path)
    assert digests(answer) == TOLD[name]
