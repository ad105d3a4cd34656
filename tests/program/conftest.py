"""The program, in processes that do not outlive a test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.program.programs import Processes, Stage


@pytest.fixture
def program(no_aws: None, tmp_path: Path) -> Iterator[Processes]:
    program = Processes(tmp_path)
    yield program
    program.close()


@pytest.fixture
def stage(program: Processes, tmp_path: Path) -> Stage:
    return Stage(program, tmp_path)
