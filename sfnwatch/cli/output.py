"""Where a report is written, and in which form."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from sfnwatch.analysis.document import Document
from sfnwatch.analysis.report import Report
from sfnwatch.analysis.report_document import explain as explain_report
from sfnwatch.cli.narration import for_people, stdout
from sfnwatch.errors import SfnwatchError
from sfnwatch.export.document_markdown import write_markdown
from sfnwatch.export.document_text import write_text
from sfnwatch.export.json.report import report_json
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.texts import clean
from sfnwatch.model.values import ascii_json
from sfnwatch.recording.recorder import atomic_write

_USUAL_WIDTH = 80
"""Columns of a text that is not written on a terminal."""


@contextmanager
def output_to(path: Path | None, *, append: bool = False) -> Iterator[TextIO]:
    """Yield stdout or a file, which is written as a whole or not at all.

    Only its owner may read the file: it may hold the input of states. A file that is
    appended to is somebody else's, and keeps its permissions.
    """
    if path is None:
        with stdout() as out:
            yield out
        return
    try:
        if append:
            with path.open("a", encoding="utf-8") as file:
                yield file
        else:
            with atomic_write(path) as file:
                yield file
    except OSError as error:
        msg = f"Can't write {clean(str(path))}: {error.strerror or error}."
        raise SfnwatchError(msg) from error


def write_report(snapshot: Snapshot, form: str, out: TextIO) -> None:
    """Write what happened."""
    report = Report(snapshot)
    if form == "json":
        write_json(report_json(report), out)
    else:
        write_document(form, out, explain_report(report))


def write_json(value: Any, out: TextIO) -> None:
    out.write(f"{ascii_json(value, indent=2)}\n")


def write_document(form: str, out: TextIO, document: Document) -> None:
    """Write Markdown, or text for people: as wide as their terminal is."""
    if form == "markdown":
        write_markdown(document, out)
        return
    width = _USUAL_WIDTH
    if out is sys.stdout:
        if out.isatty():
            width = shutil.get_terminal_size((_USUAL_WIDTH, 24)).columns
        out = for_people(out)
    write_text(document, out, width)
