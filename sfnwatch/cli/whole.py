"""The whole of what is named, read to its end; and what is written of it.

Imported once that is wanted: all of this costs more than to read a command line.
"""

import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO

import click

from sfnwatch import __version__, session
from sfnwatch.analysis.compare import compare, comparison_document
from sfnwatch.analysis.finding import Document
from sfnwatch.analysis.report import explain, report
from sfnwatch.analysis.wording import some
from sfnwatch.cli.account import AwsOptions, choose_aws, find_executions
from sfnwatch.cli.narration import for_people, narrate, stdout
from sfnwatch.errors import Outcome, RefusedError, SfnwatchError, UsageError
from sfnwatch.export.json import comparison_json, dump_report, why_json
from sfnwatch.export.text import write_markdown, write_text
from sfnwatch.model.api_call import CALL_KEY, ApiCall
from sfnwatch.model.arns import MachineName, Named
from sfnwatch.model.records import Received
from sfnwatch.model.trace import Trace
from sfnwatch.model.values import ascii_json, clean
from sfnwatch.recording.format import new_header
from sfnwatch.recording.reader import open_files
from sfnwatch.recording.writer import atomic_write, save_recording, write_recording
from sfnwatch.view.anonymizer import Anonymizer, beginning_of, redaction_notes
from sfnwatch.view.weighing import why
from sfnwatch.view.wording import execution_labels

if TYPE_CHECKING:
    from sfnwatch.sources.discovery import Found

_LEAST_WIDTH, _USUAL_WIDTH = 40, 80
_LIMIT = 200
_PAIR = 2
_BEGINNING, _LISTED = 4, 10
"""Characters that a beginning of an event ID has; and IDs that are listed."""


class Loaded(NamedTuple):
    """What came of all that was named."""

    trace: Trace
    code: int
    """The exit code: another where AWS refused to show one of several executions."""
    executions: Sequence[str]
    """ARNs of those that are meant, of the first source first."""
    originals: Mapping[str, str]
    """Of a redacted trace, by the event IDs in it those in AWS's records."""


def load(
    sources: Sequence[Path | Named], *, redact: bool = False, **asked: Any
) -> Loaded:
    """Read files, and watch executions to their ends; raises SfnwatchError."""
    aws, trace = choose_aws(**asked), Trace()
    sessions: list[session.Session] = []
    if paths := [each for each in sources if isinstance(each, Path)]:
        sessions.append(session.replay(paths))
        trace = sessions[0].trace
    if named := [each for each in sources if not isinstance(each, Path)]:
        aws = aws.signed_in()
        found = _find(named, aws)
        live = session.live(
            found.arns,
            *aws,
            drain=asked["drain"],
            tries=session.TRIES,
            asked=found.asked,
            trace=trace,
        )
        # What is named first comes first.
        sessions.insert(len(sessions) if isinstance(sources[0], Path) else 0, live)
    kept: list[Received] = []
    for each in sessions:
        if redact:
            each.consumers.append(lambda batch, _: kept.extend(batch))
    code = max(map(_run_to_end, sessions))
    meant = [arn for each in sessions for arn in each.executions]
    originals: dict[str, str] = {}
    if redact:
        anonymizer = Anonymizer.for_records(kept)
        originals = {anonymizer.call(each): each for each in trace.calls}
        trace = Trace()
        trace.add([anonymizer.redact(received) for received in kept])
    return Loaded(trace, code, meant, originals)


def _run_to_end(watched: session.Session) -> int:
    """Run a session; raises RefusedError where AWS shows nothing at all of it."""
    if session.run(watched.run) is not None:
        raise click.Abort
    watched.close(narrate)
    try:
        session.raise_if_refused(watched.trace)
    except RefusedError as error:
        there = watched.trace.executions
        if not any(arn in there and there[arn].events for arn in watched.executions):
            raise
        narrate(str(error))
        return error.exit_code
    return Outcome.SUCCEEDED


def _find(named: Sequence[Named], aws: AwsOptions) -> "Found":
    """Find executions; say too that there is no such file, where one may be meant."""
    try:
        return find_executions(named, aws.settings)
    except (UsageError, RefusedError) as error:
        machines = (each for each in named if isinstance(each, MachineName))
        names = " or ".join(clean(each.name, _LIMIT) for each in machines)
        if not names:
            raise
        hint = f"{error.hint} There is no file {names} here either."
        raise type(error)(error.message, hint=hint.strip()) from error


# -- which calls are meant -------------------------------------------------------------


def chosen_call(found: Loaded, text: str) -> ApiCall:
    """Find the call that an event ID, its beginning, or `call#…` means.

    Of a redacted one the ID in AWS's records will do, and so will its alias.
    """
    told = text.strip().removeprefix(CALL_KEY).removesuffix("…")
    names = {
        each: {each, found.originals.get(each, each)} for each in found.trace.calls
    }
    same = [event_id for event_id, known in names.items() if told in known]
    # Findings name a row of an Athena table without what stands before its number.
    begun = (told, f"row-{told}")
    if not same and len(told) >= _BEGINNING:
        same = [
            e for e, known in names.items() if any(n.startswith(begun) for n in known)
        ]
    if len(same) == 1:
        return found.trace.calls[same[0]]
    shown = clean(told, _LIMIT)
    if same:
        ids = some((clean(found.originals.get(each, each)) for each in same), _LISTED)
        msg = f"{shown!r} begins the event IDs of several calls."
        raise UsageError(msg, hint=f"They are {ids}.")
    msg = f"No call here has the event ID {shown!r}."
    if len(told) < _BEGINNING:
        msg += f" A beginning has {_BEGINNING} characters or more."
    hint = "sfnwatch export … --to json lists the calls, each with its event_id."
    raise UsageError(msg, hint=hint)


# -- which two are compared ------------------------------------------------------------


def chosen_pair(found: Loaded, names: Sequence[str]) -> Sequence[str]:
    """Choose the two executions to compare, the first named first.

    `names` are parts of ARNs or of names; without any, there must be two in all.
    """
    labels = execution_labels(found.trace.as_of().roots)
    place = {arn: number for number, arn in enumerate(found.executions)}
    pair = sorted(labels, key=lambda arn: place.get(arn, len(place)))
    if names:
        pair = [_one_named(labels, name) for name in names]
    if (count := len(set(pair))) != _PAIR:
        few = {0: "none is", 1: "only one is"}.get(count, f"{count} are")
        verb = "named" if names else "here"
        msg = f"Two executions can be compared; {few} {verb}."
        raise UsageError(msg, hint=_hint(labels))
    return pair


def _one_named(labels: Mapping[str, str], name: str) -> str:
    """Find the execution a name means: its own, the one it is told by, or a part."""
    exact = [
        arn
        for arn, label in labels.items()
        if name in {arn, arn.rpartition(":")[2], label}
    ]
    found = exact or [arn for arn in labels if name in arn]
    if len(found) != 1:
        many = "several executions" if found else "no execution"
        raise UsageError(f"{clean(name, _LIMIT)!r} names {many}.", hint=_hint(labels))
    return found[0]


def _hint(labels: Mapping[str, str]) -> str:
    if len(labels) < _PAIR:
        return "Name two recordings, or two executions."
    known = ", ".join(
        f"{label} ({clean(arn.rpartition('execution:')[2], 120)})"
        for arn, label in labels.items()
    )
    return f"Choose two with --execution NAME; there are: {known}."


# -- what is written of it -------------------------------------------------------------


@contextmanager
def out_to(path: Path | None) -> Iterator[TextIO]:
    """Give where to write: stdout, or a file that is there whole or not at all.

    It may hold what the states were given: it is for its owner's eyes alone.
    """
    if path is None:
        with stdout() as out:
            yield out
        return
    try:
        with atomic_write(path) as file:
            yield file
    except OSError as error:
        msg = f"Can't write {clean(str(path))}: {error.strerror or error}."
        raise SfnwatchError(msg) from error


def _write(
    form: str,
    out: TextIO,
    dump: Callable[[TextIO], object],
    document: Callable[[], Document],
) -> None:
    """Write it as JSON, for a page, or for people: as wide as their terminal is."""
    if form == "json":
        dump(out)
    elif form == "markdown":
        write_markdown(document(), out)
    elif out is sys.stdout:
        columns = shutil.get_terminal_size((_USUAL_WIDTH, 24)).columns
        width = max(_LEAST_WIDTH, columns) if out.isatty() else _USUAL_WIDTH
        write_text(document(), for_people(out), width)
    else:
        write_text(document(), out, _USUAL_WIDTH)


def write_report(trace: Trace, form: str, out: TextIO) -> None:
    """Write what happened."""
    told = report(trace.as_of())
    _write(form, out, lambda out: dump_report(told, out), lambda: explain(told))


def write_why(trace: Trace, calls: Sequence[ApiCall], form: str, out: TextIO) -> None:
    """Write why calls are matched as they are: as JSON one object a line."""
    moment = trace.as_of()
    lines = (f"{ascii_json(why_json(moment, call))}\n" for call in calls)
    _write(form, out, lambda out: out.writelines(lines), lambda: why(moment, calls))


def write_comparison(trace: Trace, a: str, b: str, form: str, out: TextIO) -> None:
    """Write how two executions differ."""
    moment = trace.as_of()
    told = compare(moment, a, moment, b)
    text = f"{ascii_json(comparison_json(told), indent=2)}\n"
    _write(form, out, lambda out: out.write(text), lambda: comparison_document(told))


def write_redacted(
    files: Sequence[Path], output: Path | None, *, keep_state_names: bool
) -> None:
    """Write the records of files as one recording that is safe to share."""
    recording = open_files(files)
    records = tuple(recording.records())
    keep = {"keep_state_names": keep_state_names}
    anonymizer = Anonymizer.for_records(records, **keep)
    created = recording.created
    if created is None:
        trace = Trace()
        trace.add(records)
        created = beginning_of(trace)
    executions = map(anonymizer.execution, recording.executions)
    header = new_header(created, f"sfnwatch {__version__}", executions)
    batches = [tuple(map(anonymizer.redact, records))]
    if output is not None:
        save_recording(output, header, batches)
    else:
        with stdout() as out:
            if out.isatty():
                # What is written on a terminal is cleaned, as text.
                binary = BytesIO()
                write_recording(binary, header, batches)
                out.write(binary.getvalue().decode())
            else:
                write_recording(out.buffer, header, batches)
    for note in redaction_notes(records, **keep):
        narrate(note)
