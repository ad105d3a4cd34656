"""Any mix of recordings and foreign files, opened as one recording."""

from collections.abc import Sequence
from pathlib import Path

from sfnwatch.errors import UsageError
from sfnwatch.recording.importers import Imported, import_json
from sfnwatch.recording.loading import Loaded, bad_file, load, text_of_file
from sfnwatch.recording.matching import match
from sfnwatch.recording.reader import is_recording, parse_recording
from sfnwatch.recording.recording import Recording, executions_of
from sfnwatch.recording.table import import_table
from sfnwatch.trace.text import clean


def open_files(paths: Sequence[Path]) -> Recording:
    """Open files of any kind together; raises BadFileError.

    The same content twice, under whatever names, is read once.
    """
    if not paths:
        msg = "There is no file to open."
        raise UsageError(msg, hint="Name at least one.")
    opened = {loaded.content: loaded for loaded in map(load, dict.fromkeys(paths))}
    recordings = [parse_recording(f) for f in opened.values() if is_recording(f)]
    imported = [_import(f) for f in opened.values() if not is_recording(f)]
    recorded = tuple(record for r in recordings for record in r.records)
    foreign, notes = match(imported, recorded)
    records = (*recorded, *foreign)
    named = (arn for r in recordings for arn in r.executions)
    return Recording(
        records=records,
        created=min((r.created for r in recordings if r.created), default=None),
        executions=tuple(dict.fromkeys((*named, *executions_of(records)))),
        notes=(
            *(n for r in recordings for n in r.notes),
            *_empty(imported),
            *_cut(imported),
            *notes,
        ),
        paths=tuple(paths),
    )


def _import(loaded: Loaded) -> Imported:
    if loaded.cut:
        hint = "Fetch it again."
        raise bad_file(loaded.path, loaded.cut, hint=hint)
    text = text_of_file(loaded)
    is_json = text.lstrip().startswith(("{", "["))
    return (import_json if is_json else import_table)(loaded.path, text)


def _empty(imported: Sequence[Imported]) -> list[str]:
    return [f"{clean(str(f.path))}: holds no records" for f in imported if f.empty]


def _cut(imported: Sequence[Imported]) -> list[str]:
    """Tell of pages whose next is not here: an answer of a single request has one."""
    begun = {number for file in imported for number in file.events}
    several = sum(bool(file.calls) for file in imported) > 1
    return [
        f"{clean(str(file.path))}: one page of several, and the next is not here"
        for file in imported
        if file.more
        and not (file.events and max(file.events) + 1 in begun)
        and not (file.calls and several)
    ]
