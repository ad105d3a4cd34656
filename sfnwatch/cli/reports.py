"""The commands that tell of a whole: exported, explained, compared, redacted.

Executions are named as where they are watched. A file that is there is a file, whatever
its name: so a state machine's name is one only where no file has it.
"""

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TextIO

import click

from sfnwatch import __version__
from sfnwatch.analysis.compare.compare import compare as compare_executions
from sfnwatch.analysis.compare.document import comparison_document
from sfnwatch.analysis.document import Document
from sfnwatch.analysis.lists import some
from sfnwatch.analysis.report import Report
from sfnwatch.analysis.report_document import explain as explain_report
from sfnwatch.cli import options
from sfnwatch.cli.account import sign_in
from sfnwatch.cli.execution_names import looks_like_file, named_executions
from sfnwatch.cli.execution_search import find_executions
from sfnwatch.cli.narration import for_people, narrate, stdout
from sfnwatch.cli.settable_option import flag, option
from sfnwatch.cli.value_completion import complete_files_or_executions
from sfnwatch.cli.watch_options import choose_aws
from sfnwatch.errors import Outcome, RefusedError, SfnwatchError, UsageError
from sfnwatch.export import TARGETS
from sfnwatch.export.document_markdown import write_markdown
from sfnwatch.export.document_text import write_text
from sfnwatch.export.json.comparison import comparison_json
from sfnwatch.export.json.report import report_json
from sfnwatch.export.json.why import why_json
from sfnwatch.export.plain_sentences import health_words
from sfnwatch.model.api_call import CALL_KEY, ApiCall
from sfnwatch.model.arns import Named
from sfnwatch.model.records import Received
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.texts import clean
from sfnwatch.model.trace import Trace
from sfnwatch.model.values import ascii_json
from sfnwatch.recording.format import new_header
from sfnwatch.recording.reader import open_files
from sfnwatch.recording.recorder import atomic_write, write_recording
from sfnwatch.session import sessions, signals
from sfnwatch.session.outcome import raise_if_refused
from sfnwatch.session.session import Session
from sfnwatch.view.anonymizer import Anonymizer, redaction_notes
from sfnwatch.view.weighing import why as weigh
from sfnwatch.view.wording import execution_labels

TARGET_WORDS = "\b\nFORMAT is one of\n" + "\n".join(
    f"  {name:<10} {target.words}" for name, target in TARGETS.items()
)
_USUAL_WIDTH = 80
_LIMIT = 200
_PAIR = 2
_LISTED = 10
"""Event IDs that are listed."""
target_option = option(
    "--to FORMAT",
    "What to write.",
    dest="target",
    type=click.Choice(list(TARGETS)),
    required=True,
)
names_option = flag("--keep-state-names", "Leave the states' names.")

Source = Path | Named


def read_source(text: str) -> Source:
    """Tell a file from what names an execution; raises UsageError for neither."""
    if text == "-" or _is_file(text) or looks_like_file(text):
        return Path(text)
    return named_executions([text])[0]


def _is_file(text: str) -> bool:
    """True for what can be opened, pipes too; a folder may be called as a machine is.

    What has a NUL in it, or is too long, is no file: to a Path it is an error.
    """
    return os.path.exists(text) and not os.path.isdir(text)  # noqa: PTH110, PTH112


_sources = options.argument(
    "sources",
    lambda texts: options.each_once(texts, read_source),
    complete_files_or_executions,
    nargs=-1,
)


class _Loaded(NamedTuple):
    """What came of all that was named."""

    trace: Trace
    code: int
    """The exit code: another where the end of an execution is not known."""
    executions: Sequence[str]
    """ARNs of those that are meant, of the first source first."""
    originals: Mapping[str, str]
    """Of a redacted trace, by the event IDs in it those in AWS's records."""


def _load(sources: Sequence[Source], *, redact: bool = False, **asked: Any) -> _Loaded:
    """Read files, and watch executions to their ends; raises SfnwatchError."""
    settings, how = choose_aws(**asked)
    trace = Trace()
    watches: list[Session] = []
    if paths := [each for each in sources if isinstance(each, Path)]:
        watches.append(sessions.replay(paths))
        trace = watches[0].trace
    if named := [each for each in sources if not isinstance(each, Path)]:
        settings = sign_in(settings, how.calls.profiles)
        arns, requests = find_executions(named, settings)
        live = sessions.live(arns, settings, how, asked=requests, trace=trace)
        # What is named first comes first.
        watches.insert(len(watches) if isinstance(sources[0], Path) else 0, live)
    kept: list[Received] = []
    for watch in watches:
        if redact:
            watch.consumers.append(lambda batch, _: kept.extend(batch))
    code = max(map(_run_to_end, watches))
    meant = [arn for watch in watches for arn in watch.executions]
    originals: dict[str, str] = {}
    if redact:
        anonymizer = Anonymizer.for_records(kept)
        originals = {anonymizer.call(each): each for each in trace.calls}
        trace = Trace()
        trace.add([anonymizer.redact(received) for received in kept])
    return _Loaded(trace, code, meant, originals)


def _run_to_end(watched: Session) -> int:
    """Run a session; give the exit code, which is not that of the outcome.

    Raises RefusedError where AWS shows nothing at all of it. A report of files tells
    of what still runs in them.
    """
    signalled = signals.run(watched.run)
    if signalled is not None:
        raise click.exceptions.Exit(signalled)
    watched.close(narrate)
    calls = watched.trace.as_of().health.get("lookup")
    if watched.mode == "live" and calls and calls.message:
        # That there are none may come from a trail's place that was written wrong.
        narrate(f"CloudTrail: {health_words(calls)}")
    try:
        raise_if_refused(watched.trace)
    except RefusedError as error:
        there = watched.trace.executions
        if not any(arn in there and there[arn].events for arn in watched.executions):
            raise
        narrate(str(error))
        return error.exit_code
    if watched.mode == "live" and watched.conclude(narrate) == Outcome.RUNNING:
        return Outcome.RUNNING
    return Outcome.SUCCEEDED


def _chosen_call(found: _Loaded, text: str) -> ApiCall:
    """Find the call that an event ID, its beginning, or `call#…` means.

    Of a redacted one the ID in AWS's records will do, and so will its alias.
    """
    told = text.strip().removeprefix(CALL_KEY).removesuffix("…")
    originals = found.originals
    calls = found.trace.calls
    known = {name: e for e in calls for name in (e, originals.get(e, e))}
    same = [known[told]] if told in known else []
    # Findings name a row of an Athena table without what stands before its number.
    begun = (told, f"row-{told}")
    if told and not same:
        same = [*dict.fromkeys(known[n] for n in known if n.startswith(begun))]
    if len(same) == 1:
        return calls[same[0]]
    shown = clean(told, _LIMIT)
    if same:
        ids = some((clean(originals.get(each, each)) for each in same), _LISTED)
        msg = f"{shown!r} begins the event IDs of several calls."
        raise UsageError(msg, hint=f"They are {ids}.")
    msg = f"No call here has the event ID {shown!r}."
    hint = "sfnwatch export … --to json lists the calls, each with its event_id."
    raise UsageError(msg, hint=hint)


def _chosen_pair(found: _Loaded, names: Sequence[str]) -> Sequence[str]:
    """Choose the two executions to compare, the first named first.

    `names` are parts of ARNs or of names; without any, there must be two in all.
    """
    labels = execution_labels(found.trace.as_of().roots)
    place = {arn: number for number, arn in enumerate(found.executions)}
    pair = sorted(labels, key=lambda arn: place.get(arn, len(place)))
    if names:
        pair = [_one_named(labels, name) for name in names]
    if (count := len(set(pair))) != _PAIR:
        msg = f"Two executions can be compared, not {count}."
        raise UsageError(msg, hint=_hint(labels))
    return pair


def _one_named(labels: Mapping[str, str], name: str) -> str:
    """Find the execution a name means: its own, the one it is told by, or a part."""
    names = {arn: {arn, arn.rpartition(":")[2], label} for arn, label in labels.items()}
    exact = [arn for arn in names if name in names[arn]]
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


def _write(form: str, out: TextIO, text: Callable[[], str], document: Document) -> None:
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
    _write(form, out, text, explain_report(told))


@click.command(epilog=TARGET_WORDS)
@_sources(required=True, metavar="FILE…|EXECUTION…")
@target_option
@options.output_option
@options.redact_option
@options.aws_options
def export(sources: list[Source], target: str, **asked: Any) -> int:
    """Write a trace for other programs, to stdout or a file.

    FILES are what `replay` takes. An EXECUTION is named as `watch` takes it, by its
    state machine too, and is watched to its end first.

    \b
    sfnwatch export run.sfnwatch.jsonl --to html -o report.html
    sfnwatch export ARN --to json | jq .calls
    """
    found = _load(sources, **asked)
    with output_to(asked["output"]) as out:
        TARGETS[target].dump(found.trace.as_of(), out)
    return found.code


@click.command()
@_sources(required=True, metavar="FILE…|EXECUTION…")
@option(
    "--why EVENT_ID",
    "Instead, say of this call why it is matched, or is not: what speaks for and"
    " against each attempt that was considered. The beginning of its event ID will do.",
    multiple=True,
)
@options.format_option
@options.output_option
@options.redact_option
@options.aws_options
def explain(sources: list[Source], why: tuple[str, ...], **asked: Any) -> int:
    """Say what happened: what failed, where the time went, who called what.

    FILES are what `replay` takes; a history alone, or calls alone, will do: what isn't
    visible is said. An EXECUTION is named as `watch` takes it, by its state machine
    too, and is watched to its end first. Each finding has its evidence, and says
    whether it is a fact or an inference.

    \b
    sfnwatch explain run.sfnwatch.jsonl
    sfnwatch explain nightly-report --format markdown -o report.md
    sfnwatch explain run.sfnwatch.jsonl --why 110593b7
    """
    found = _load(sources, **asked)
    chosen = (_chosen_call(found, text) for text in why)
    calls = {call.event_id: call for call in chosen}.values()
    snapshot = found.trace.as_of()
    form: str = asked["form"]
    with output_to(asked["output"]) as out:
        if calls:
            lines = (ascii_json(why_json(snapshot, call)) for call in calls)
            _write(form, out, lambda: "\n".join(lines), weigh(snapshot, calls))
        else:
            write_report(snapshot, form, out)
    return found.code


@click.command()
@_sources(required=True, metavar="A B")
@option(
    "--execution NAME",
    "One of those in the files, by its name or a part of its ARN; give two.",
    dest="names",
    multiple=True,
)
@options.format_option
@options.output_option
@options.aws_options
def compare(sources: list[Source], names: tuple[str, ...], **asked: Any) -> int:
    """Say how two executions differ: states, times, attempts, calls, polls.

    A and B are files as `replay` takes them, or executions as `watch` takes them,
    which are watched to their ends first. Where there are more than two executions in
    them, --execution chooses.

    \b
    sfnwatch compare monday.sfnwatch.jsonl tuesday.sfnwatch.jsonl
    sfnwatch compare three-ways.sfnwatch.jsonl --execution sync --execution denied
    """
    found = _load(sources, **asked)
    a, b = _chosen_pair(found, names)
    snapshot = found.trace.as_of()
    told = compare_executions((snapshot, a), (snapshot, b))
    text = partial(ascii_json, comparison_json(told), indent=2)
    with output_to(asked["output"]) as out:
        _write(asked["form"], out, text, comparison_document(told))
    return found.code


@click.command()
@options.files_argument
@options.output_option
@names_option
def redact(files: list[Path], output: Path | None, *, keep_state_names: bool) -> None:
    """Make a recording that is safe to share: what happened, and not to whom.

    FILES are what `replay` takes. Account IDs, ARNs, names, addresses, keys, inputs and
    outputs are replaced by aliases, the same for the same original, so calls still
    match their states. Times, Regions and AWS's own words stay.

    \b
    sfnwatch redact run.sfnwatch.jsonl -o shared.sfnwatch.jsonl
    sfnwatch redact history.json calls.json --keep-state-names > shared.jsonl
    """
    recording = open_files(files)
    records = tuple(recording.records())
    keep = {"keep_state_names": keep_state_names}
    anonymizer = Anonymizer.for_records(records, **keep)
    span = recording.span()
    begun = span[0] if span else datetime.fromtimestamp(0, UTC)
    created = recording.created or begun
    executions = map(anonymizer.execution, recording.executions)
    header = new_header(created, f"sfnwatch {__version__}", executions)
    redacted = [anonymizer.redact(received) for received in records]
    with output_to(output) as out:
        write_recording(out, header, redacted)
    for note in redaction_notes(records, **keep):
        narrate(note)
