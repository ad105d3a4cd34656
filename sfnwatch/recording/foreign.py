"""Files that others wrote: what is in them, and which execution it is of."""

from collections.abc import Sequence

from sfnwatch.recording.importers import Imported, import_json
from sfnwatch.recording.loading import Loaded, bad_file, text_of_file
from sfnwatch.recording.matching import match
from sfnwatch.recording.table import import_table
from sfnwatch.trace.events import Batch
from sfnwatch.trace.text import clean


def import_files(
    files: Sequence[Loaded], recorded: Batch
) -> tuple[Batch, Sequence[str]]:
    """Give the records of foreign files, and what a reader should know of them.

    `recorded` are those that are opened with them. Raises BadFileError.
    """
    imported = [import_file(file) for file in files]
    records, notes = match(imported, recorded)
    return records, (*_empty(imported), *_cut(imported), *notes)


def import_file(loaded: Loaded) -> Imported:
    """Read one; raises BadFileError."""
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
