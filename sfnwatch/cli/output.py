"""Where a report is written, and in which form."""

import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TextIO

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


@contextmanager
def output_to(path: Path | None, *, append: bool = False) -> Iterator[TextIO]:
    """Give where to write: stdout, or a file that is there whole or not at all.

    It may hold what the states were given: it is for its owner's eyes alone. One that
    is appended to is somebody else's.
    """
    if path is None:
        with stdout() as out:
            yield out
        return
    try:
        is_new = not append
        with atomic_write(path) if is_new else path.open("a", encoding="utf-8") as file:
            yield file
    except OSError as error:
        msg = f"Can't write {clean(str(path))}: {error.strerror or error}."
        raise SfnwatchError(msg) from error


def write_document(
    form: str, out: TextIO, text: Callable[[], str], document: Document
) -> None:
    """Write it as JSON, for a page, or for people: as wide as their terminal is."""
    if form == "json":
        out.write(f"{text()}\n")
    elif form == "markdown":
        write_markdown(document, out)
    elif out is sys.stdout:
        columns = shutil.get_terminal_size((_USUAL_WIDTH, 24)).columns
        width = columns if out.isatty() else _USUAL_WIDTH
        write_text(document, for_people(out), width)
    else:
        write_text(document, out, _USUAL_WIDTH)


def write_report(snapshot: Snapshot, form: str, out: TextIO) -> None:
    """Write what happened."""
    told = Report(snapshot)
    text = partial(ascii_json, report_json(told), indent=2)
    write_document(form, out, text, explain_report(told))
