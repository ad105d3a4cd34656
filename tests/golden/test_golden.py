"""What was said of recordings is said again, section by section.

`python -m tests.golden --program PROGRAM` makes the golden files: look at what git says
of them before they are committed.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.cli.conftest import program
from tests.cli.programs import Program as Here
from tests.golden.__main__ import exit_code
from tests.golden.answers import Answer, Program, ask, differences, digests
from tests.golden.files import read_codes, read_digests, read_whole, whole_names
from tests.golden.inputs import ABSENT, FIXTURES, fixture_cases, own_cases

__all__ = ["program"]
OWN, OTHERS = own_cases(), fixture_cases()
FOLDERS = sorted({name.partition("/")[0] for name in read_codes()})
_FEW = 4
"""Files of a folder that are tried: most are refused for the same reason."""

needs_fixtures = pytest.mark.skipif(not FIXTURES.is_dir(), reason=ABSENT)


@pytest.fixture
def here(program: Here) -> Program:
    """The program in this process: to start one takes longer than what it does."""

    def run(words: Sequence[str], folder: Path) -> CompletedProcess[bytes]:
        del folder
        ended = program(*words)
        out, err = os.fsencode(ended.out), os.fsencode(ended.err)
        return CompletedProcess(words, ended.code, out, err)

    return run


def test_every_recording_has_its_golden_files() -> None:
    assert whole_names() == set(OWN)
    assert set(read_digests()) == set(OTHERS)


@pytest.mark.parametrize("name", OWN)
def test_a_recording_of_ours_says_what_it_said(
    name: str, here: Program, tmp_path: Path
) -> None:
    answer = ask(here, OWN[name](tmp_path), tmp_path)
    found = differences(read_whole(name), answer.sections)
    assert not found, _report(name, found, answer)


@needs_fixtures
@pytest.mark.parametrize("name", OTHERS)
def test_a_recording_of_others_says_what_it_said(
    name: str, here: Program, tmp_path: Path
) -> None:
    answer = ask(here, OTHERS[name](FIXTURES, tmp_path), tmp_path)
    found = differences(read_digests()[name], digests(answer.sections))
    assert not found, _report(name, found, answer)


@needs_fixtures
@pytest.mark.parametrize("folder", FOLDERS)
def test_a_file_of_others_is_opened_or_refused_as_it_was(
    folder: str, here: Program, tmp_path: Path
) -> None:
    codes = read_codes()
    names = [name for name in codes if name.startswith(f"{folder}/")][:_FEW]
    found = {name: exit_code(here, FIXTURES, tmp_path, name) for name in names}
    assert found == {name: codes[name] for name in names}


def _report(name: str, found: list[str], answer: Answer) -> str:
    """Say how they differ, and how to see more of it."""
    more = f"python -m tests.golden --compare --program A --against B {name}"
    return "\n".join((f"{name}: -golden +now", *found, "", answer.errors, more))
