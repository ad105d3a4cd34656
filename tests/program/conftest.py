"""The program, in processes that do not outlive a test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.program.programs import Program


@pytest.fixture
def program(no_aws: None, tmp_path: Path) -> Iterator[Program]:
    program = Program(tmp_path)
    yield program
    program.close()
