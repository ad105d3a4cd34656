"""Any mix of recordings and foreign files, opened as one recording."""

from collections.abc import Sequence
from pathlib import Path

from sfnwatch.errors import UsageError
from sfnwatch.recording.loading import Loaded, load
from sfnwatch.recording.reader import is_recording, parse_recording
from sfnwatch.recording.recording import Recording, executions_of
from sfnwatch.trace.events import Batch


def open_files(paths: Sequence[Path]) -> Recording:
    """Open files of any kind together; raises BadFileError.

    The same content twice, under whatever names, is read once.
    """
    if not paths:
        msg = "There is no file to open."
        raise UsageError(msg, hint="Name at least one.")
    opened = _opened(paths)
    recordings = [parse_recording(f) for f in opened if is_recording(f)]
    recorded = tuple(record for r in recordings for record in r.records)
    foreign, notes = _foreign([f for f in opened if not is_recording(f)], recorded)
    records = (*recorded, *foreign)
    named = (arn for r in recordings for arn in r.executions)
    return Recording(
        records=records,
        created=min((r.created for r in recordings if r.created), default=None),
        executions=tuple(dict.fromkeys((*named, *executions_of(records)))),
        notes=(*(n for r in recordings for n in r.notes), *notes),
        paths=tuple(paths),
    )


def _opened(paths: Sequence[Path]) -> Sequence[Loaded]:
    files = [load(path) for path in dict.fromkeys(paths)]
    # To look for the same among long files takes time: one is not like another.
    return files[:1] if len(files) == 1 else [*{f.content: f for f in files}.values()]


def _foreign(files: Sequence[Loaded], recorded: Batch) -> tuple[Batch, Sequence[str]]:
    if not files:
        return (), ()
    from sfnwatch.recording.foreign import import_files

    return import_files(files, recorded)
