"""Records that others made public, read where they lie: none is part of the project."""

import json
from pathlib import Path
from typing import Any

import pytest

from sfnwatch.model.trace import Trace
from sfnwatch.recording.reader import open_files
from tests.golden.inputs import FIXTURES
from tests.recording.files import trace_of

ABSENT = f"no recorded fixtures at {FIXTURES}; set SFNWATCH_FIXTURES"
needs_fixtures = pytest.mark.skipif(not FIXTURES.is_dir(), reason=ABSENT)


def files(pattern: str) -> list[Any]:
    """List the files of a pattern as parameters, or one that is skipped."""
    paths = sorted(FIXTURES.glob(pattern))
    if not paths:
        return [pytest.param(None, id="absent", marks=pytest.mark.skip(reason=ABSENT))]
    return [pytest.param(path, id=path.stem) for path in paths]


def recorded(path: Path) -> dict[str, Any]:
    """Read the answers that a fixture has."""
    answers: dict[str, Any] = json.loads(path.read_text())["recorded"]
    return answers


def opened(*paths: Path) -> Trace:
    """Open files as one trace, all of which can be read."""
    trace = trace_of(open_files(paths))
    assert not trace.unread
    return trace
