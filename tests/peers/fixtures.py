"""Records that others made public, read where they lie: none is part of the project."""

import importlib.util
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(
    os.environ.get("SFNWATCH_FIXTURES")
    or Path(__file__).parents[2].parent / "shared" / "fixtures"
)
ABSENT = f"no recorded fixtures at {FOLDER}; set SFNWATCH_FIXTURES"
needs_fixtures = pytest.mark.skipif(not FOLDER.is_dir(), reason=ABSENT)


def files(pattern: str) -> list[Any]:
    """List the files of a pattern as parameters, or one that is skipped."""
    paths = sorted(FOLDER.glob(pattern))
    if not paths:
        return [pytest.param(None, id="absent", marks=pytest.mark.skip(reason=ABSENT))]
    return [pytest.param(path, id=path.stem) for path in paths]


def load(path: Path) -> dict[str, Any]:
    """Read a fixture without the block that says where it is from."""
    document: dict[str, Any] = json.loads(path.read_text())
    del document["_source"]
    return document


def history(path: Path) -> list[dict[str, Any]]:
    """Give a fixture's events as GetExecutionHistory returned them.

    Skips those whose event ids were blanked before they were published.
    """
    document = load(path)
    if path.parent.name == "history-localstack":
        try:
            document = _rehydrate(document)
        except ValueError as error:
            pytest.skip(str(error))
    return [
        {**event, "timestamp": _text(event["timestamp"])}
        for event in document["events"]
    ]


def _text(time: Any) -> Any:
    return time.isoformat() if hasattr(time, "isoformat") else time


def _rehydrate(document: dict[str, Any]) -> dict[str, Any]:
    spec = importlib.util.spec_from_file_location(
        "rehydrate", FOLDER / "tools" / "rehydrate.py"
    )
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    rehydrated: dict[str, Any] = module.rehydrate(document)
    return rehydrated


def records(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the CloudTrail records of a fixture that has whole ones."""
    document = load(path)
    yield from document.get("records", document.get("Records", []))
    if "record" in document:
        yield document["record"]
