"""The commands that tell of a whole: exported, explained, compared, redacted.

Executions are named as where they are watched. A file that is there is a file, whatever
its name: so a state machine's name is one only where no file has it.
"""

import shutil
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO

import click

from sfnwatch import __version__
from sfnwatch.cli import completion
from sfnwatch.cli.narration import for_people, narrate, stdout
from sfnwatch.cli.options import (
    AwsOptions,
    aws_options,
    choose_aws,
    format_option,
    option,
    output_option,
    redact_option,
)
from sfnwatch.cli.watch import find_executions, sign_in
from sfnwatch.errors import Outcome, RefusedError, SfnwatchError, UsageError
from sfnwatch.export import TARGETS
from sfnwatch.model.values import clean

if TYPE_CHECKING:
    from sfnwatch.analysis.finding import Document
    from sfnwatch.analysis.report import Report
    from sfnwatch.model.api_call import ApiCall
    from sfnwatch.model.arns import Named
    from sfnwatch.model.records import Received
    from sfnwatch.model.trace import Trace
    from sfnwatch.session import Session
    from sfnwatch.sources.discovery import Found

_LEAST_WIDTH, _USUAL_WIDTH = 40, 80
_LIMIT = 200
_PAIR = 2
_BEGINNING, _LISTED = 4, 10
"""Characters that a beginning of an event ID has; and IDs that are listed."""

target_option = option(
    "--to",
    "target",
    type=click.Choice(list(TARGETS)),
    metavar="FORMAT",
    required=True,
    help="What to write.",
)
why_option = option(
    "--why",
    "why",
    multiple=True,
    metavar="EVENT_ID",
    help="Instead, say of this call why it is matched, or is not: what speaks for and"
    " against each attempt that was considered. The beginning of its event ID will do.",
)
names_option = option(
    "--keep-state-names", is_flag=True, help="Leave the states' names."
)
_sources = click.argument(
    "sources",
    nargs=-1,
    required=True,
    metavar="FILE…|EXECUTION…",
    shell_complete=completion.files_or_executions,
)


def targets() -> str:
    """List the formats for `--help`."""
    lines = (f"  {name:<10} {target.words}" for name, target in TARGETS.items())
    return "\b\nFORMAT is one of\n" + "\n".join(lines)


# -- the commands ----------------------------------------------------------------------


@click.command(
    short_help="Write a trace for other programs.",
    help=f"""Write a trace for other programs, to stdout or a file.

FILES are what `replay` takes. An EXECUTION is named as `watch` takes it, by its state
machine too, and is watched to its end first.

{targets()}

\b
sfnwatch export run.sfnwatch.jsonl --to html -o report.html
sfnwatch export ARN --to json | jq .calls""",
)
@_sources
@target_option
@output_option
@redact_option
@aws_options
def export(
    sources: tuple[str, ...],
    target: str,
    output: Path | None,
    *,
    redact: bool,
    **asked: Any,
) -> int:
    found = _load(sources, redact=redact, **asked)
    with _out(output) as out:
        TARGETS[target].dump(found.trace.as_of(), out)
    return found.code


@click.command(short_help="Say what happened, with evidence.")
@_sources
@why_option
@format_option
@output_option
@redact_option
@aws_options
def explain(
    sources: tuple[str, ...],
    why: tuple[str, ...],
    form: str,
    output: Path | None,
    *,
    redact: bool,
    **asked: Any,
) -> int:
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
    from sfnwatch.analysis.report import report

    found = _load(sources, redact=redact, **asked)
    chosen = (_chosen_call(found, text) for text in why)
    calls = list({call.event_id: call for call in chosen}.values())
    with _out(output) as out:
        if calls:
            _write_why(found.trace, calls, form, out, _width(output))
        else:
            write_report(report(found.trace.as_of()), form, out, _width(output))
    return found.code


def write_report(told: "Report", form: str, out: TextIO, width: int) -> None:
    """Write a report in one of its forms."""
    from sfnwatch.analysis.report import explain as explained
    from sfnwatch.export.json import dump_report

    if form == "json":
        dump_report(told, out)
    else:
        _write_document(explained(told), form, out, width)


def _write_why(
    trace: "Trace", calls: "Sequence[ApiCall]", form: str, out: TextIO, width: int
) -> None:
    """Write why calls are matched as they are: as JSON one object a line."""
    from sfnwatch.export.json import why_json
    from sfnwatch.model.values import ascii_json
    from sfnwatch.view.weighing import why

    moment = trace.as_of()
    if form == "json":
        out.writelines(f"{ascii_json(why_json(moment, call))}\n" for call in calls)
    else:
        _write_document(why(moment, calls), form, out, width)


def _write_document(document: "Document", form: str, out: TextIO, width: int) -> None:
    from sfnwatch.export.text import write_markdown, write_text

    if form == "markdown":
        write_markdown(document, out)
    else:
        write_text(document, for_people(out) if out is sys.stdout else out, width)


@click.command(short_help="Say how two executions differ.")
@click.argument(
    "sources",
    nargs=-1,
    required=True,
    metavar="A B",
    shell_complete=completion.files_or_executions,
)
@option(
    "--execution",
    "names",
    multiple=True,
    metavar="NAME",
    help="One of those in the files, by its name or a part of its ARN; give two.",
)
@format_option
@output_option
@aws_options
def compare(
    sources: tuple[str, ...],
    names: tuple[str, ...],
    form: str,
    output: Path | None,
    **asked: Any,
) -> int:
    """Say how two executions differ: states, times, attempts, calls, polls.

    A and B are files as `replay` takes them, or executions as `watch` takes them,
    which are watched to their ends first. Where there are more than two executions in
    them, --execution chooses.

    \b
    sfnwatch compare monday.sfnwatch.jsonl tuesday.sfnwatch.jsonl
    sfnwatch compare three-ways.sfnwatch.jsonl --execution sync --execution denied
    """
    from sfnwatch.analysis import compare as comparing
    from sfnwatch.export.json import comparison_json
    from sfnwatch.model.values import ascii_json

    found = _load(sources, **asked)
    moment, (a, b) = found.trace.as_of(), _chosen_pair(found, names)
    told = comparing.compare(moment, a, moment, b)
    with _out(output) as out:
        if form == "json":
            out.write(f"{ascii_json(comparison_json(told), indent=2)}\n")
        else:
            document = comparing.comparison_document(told)
            _write_document(document, form, out, _width(output))
    return Outcome.SUCCEEDED


@click.command(short_help="Make a recording that is safe to share.")
@click.argument("files", nargs=-1, required=True, shell_complete=completion.files)
@output_option
@names_option
def redact(
    files: tuple[str, ...], output: Path | None, *, keep_state_names: bool
) -> int:
    """Make a recording that is safe to share: what happened, and not to whom.

    FILES are what `replay` takes. Account IDs, ARNs, names, addresses, keys, inputs and
    outputs are replaced by aliases, the same for the same original, so calls still
    match their states. Times, Regions and AWS's own words stay.

    \b
    sfnwatch redact run.sfnwatch.jsonl -o shared.sfnwatch.jsonl
    sfnwatch redact history.json calls.json --keep-state-names > shared.jsonl
    """
    from sfnwatch.model.trace import Trace
    from sfnwatch.recording.format import new_header
    from sfnwatch.recording.reader import open_files
    from sfnwatch.recording.writer import save_recording, write_recording
    from sfnwatch.view.anonymizer import (
        Anonymizer,
        beginning_of,
        redaction_notes,
    )

    recording = open_files([Path(name) for name in files])
    records = tuple(recording.records())
    keep = keep_state_names
    anonymizer = Anonymizer.for_records(records, keep_state_names=keep)
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
            write_recording(out.buffer, header, batches)
    for note in redaction_notes(records, keep_state_names=keep):
        narrate(note)
    return Outcome.SUCCEEDED


# -- the whole of what is named --------------------------------------------------------


class Loaded(NamedTuple):
    """What came of all that was named."""

    trace: "Trace"
    code: int
    """The exit code: another where AWS refused to show one of several executions."""
    executions: Sequence[str]
    """ARNs of those that are meant, of the first source first."""
    originals: Mapping[str, str]
    """Of a redacted trace, by the event IDs in it those in AWS's records."""


def _load(sources: Sequence[str], *, redact: bool = False, **asked: Any) -> "Loaded":
    """Read files, and watch executions to their ends; raises SfnwatchError."""
    from sfnwatch import session
    from sfnwatch.model.trace import Trace

    aws, read = choose_aws(**asked), [read_source(text) for text in sources]
    sessions, trace = list["Session"](), Trace()
    if paths := [each for each in read if isinstance(each, Path)]:
        sessions.append(session.replay(paths))
        trace = sessions[0].trace
    if named := [each for each in read if not isinstance(each, Path)]:
        aws = aws._replace(settings=sign_in(aws.settings, aws.calls.profiles))
        found = _find(named, aws)
        live = session.live(
            found.arns,
            aws.settings,
            aws.calls,
            aws.children,
            drain=asked["drain"],
            tries=session.TRIES,
            asked=found.asked,
            trace=trace,
        )
        sessions.append(live)
    if not isinstance(read[0], Path):
        sessions.reverse()
    kept: list[Received] = []
    for each in sessions:
        if redact:
            each.consumers.append(lambda batch, _: kept.extend(batch))
    code = max(map(_run_to_end, sessions))
    meant = [arn for each in sessions for arn in each.executions]
    if not redact:
        return Loaded(trace, code, meant, {})
    redacted, originals = _redacted(kept, trace.calls)
    return Loaded(redacted, code, meant, originals)


def _run_to_end(watched: "Session") -> int:
    """Run a session; raises RefusedError where AWS shows nothing at all of it."""
    from sfnwatch.session import raise_if_refused, run

    if run(watched.run) is not None:
        raise click.Abort
    watched.close(narrate)
    try:
        raise_if_refused(watched.trace)
    except RefusedError as error:
        there = watched.trace.executions
        if not any(arn in there and there[arn].events for arn in watched.executions):
            raise
        narrate(str(error))
        return error.exit_code
    return Outcome.SUCCEEDED


def _redacted(
    records: "Sequence[Received]", event_ids: Iterable[str]
) -> "tuple[Trace, Mapping[str, str]]":
    """Put aliases in the place of all that is not AWS's own; tell event IDs'."""
    from sfnwatch.model.trace import Trace
    from sfnwatch.view.anonymizer import Anonymizer

    anonymizer, trace = Anonymizer.for_records(records), Trace()
    trace.add([anonymizer.redact(received) for received in records])
    return trace, {anonymizer.call(event_id): event_id for event_id in event_ids}


def read_source(text: str) -> "Path | Named":
    """Tell a file from what names an execution; raises UsageError for neither."""
    from sfnwatch.cli.naming import looks_like_file, named_execution

    if text == "-" or _is_file(text):
        return Path(text)
    try:
        found = named_execution(text)
    except UsageError:
        if looks_like_file(text):
            return Path(text)
        raise
    if found is None:
        msg = "Neither a file nor an execution is named."
        raise UsageError(msg, hint="What is given is empty.")
    return found


def _is_file(text: str) -> bool:
    """True for what can be opened, pipes too; a folder may be called as a machine is.

    What has a NUL in it, or is too long, is no file; that is no error here.
    """
    try:
        path = Path(text)
        return path.exists() and not path.is_dir()
    except (OSError, ValueError):
        return False


def _find(named: "Sequence[Named]", aws: AwsOptions) -> "Found":
    """Find executions; say too that there is no such file, where one may be meant."""
    from sfnwatch.model.arns import MachineName

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


def _chosen_call(found: Loaded, text: str) -> "ApiCall":
    """Find the call that an event ID, its beginning, or `call#…` means.

    Of a redacted one the ID in AWS's records will do, and so will its alias.
    """
    from sfnwatch.analysis.wording import some
    from sfnwatch.model.api_call import CALL_KEY

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


def _chosen_pair(found: Loaded, names: Sequence[str]) -> Sequence[str]:
    """Choose the two executions to compare, the first named first.

    `names` are parts of ARNs or of names; without any, there must be two in all.
    """
    labels = _labels(found.trace)
    place = {arn: number for number, arn in enumerate(found.executions)}
    pair = sorted(labels, key=lambda arn: place.get(arn, len(place)))
    if names:
        pair = [_one_named(labels, name) for name in names]
    if len(set(pair)) != _PAIR:
        verb = "named" if names else "here"
        msg = f"Two executions can be compared; {_count(set(pair))} {verb}."
        raise UsageError(msg, hint=_hint(labels))
    return pair


def _labels(trace: "Trace") -> Mapping[str, str]:
    """Tell the executions apart by short names, by their ARNs."""
    from sfnwatch.view.wording import execution_labels

    return execution_labels(trace.as_of().roots)


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


def _count(found: Collection[str]) -> str:
    few = {0: "none is", 1: "only one is"}
    return few.get(len(found), f"{len(found)} are")


def _hint(labels: Mapping[str, str]) -> str:
    if len(labels) < _PAIR:
        return "Name two recordings, or two executions."
    known = ", ".join(
        f"{label} ({clean(arn.rpartition('execution:')[2], 120)})"
        for arn, label in labels.items()
    )
    return f"Choose two with --execution NAME; there are: {known}."


# -- where it goes ---------------------------------------------------------------------


def _width(output: Path | None) -> int:
    """Give the columns there are: the terminal's, or what a page has."""
    if output is not None or not sys.stdout.isatty():
        return _USUAL_WIDTH
    return max(_LEAST_WIDTH, shutil.get_terminal_size((_USUAL_WIDTH, 24)).columns)


@contextmanager
def _out(path: Path | None) -> Iterator[TextIO]:
    """Give where to write: stdout, or a file that is there whole or not at all.

    It may hold what the states were given: it is for its owner's eyes alone.
    """
    if path is None:
        with stdout() as out:
            yield out
        return
    from sfnwatch.recording.writer import atomic_write

    try:
        with atomic_write(path) as file:
            yield file
    except OSError as error:
        msg = f"Can't write {clean(str(path))}: {error.strerror or error}."
        raise SfnwatchError(msg) from error


COMMANDS = (export, explain, compare, redact)
