"""The commands that tell of a whole: exported, explained, compared, redacted, awaited.

Executions are named as where they are watched. A file that is there is a file, whatever
its name: so a state machine's name is one only where no file has it.

To wait is for scripts and pipelines: nothing is shown, and the exit code tells. Only
histories are read. A job that waits for a state, or for a time at most, ends while the
execution goes on: what it was by then is in the report.
"""

import asyncio
import os
import shutil
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TextIO

import click

from sfnwatch import __version__, session
from sfnwatch.analysis.case import Survey
from sfnwatch.analysis.compare import compare as compare_executions
from sfnwatch.analysis.compare import comparison_document
from sfnwatch.analysis.finding import Document
from sfnwatch.analysis.outcomes import ExecutionVerdict
from sfnwatch.analysis.report import Report
from sfnwatch.analysis.report import explain as explain_report
from sfnwatch.analysis.wording import some
from sfnwatch.cli import options
from sfnwatch.cli.narration import for_people, narrate, stdout
from sfnwatch.errors import Outcome, RefusedError, SfnwatchError, UsageError
from sfnwatch.export import TARGETS
from sfnwatch.export.json import comparison_json, report_json, why_json
from sfnwatch.export.plain import health_words
from sfnwatch.export.text import write_markdown, write_text
from sfnwatch.model.api_call import CALL_KEY, ApiCall
from sfnwatch.model.arns import Named
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.moment import Moment
from sfnwatch.model.records import Received
from sfnwatch.model.texts import clean
from sfnwatch.model.times import duration
from sfnwatch.model.trace import Trace
from sfnwatch.model.values import ascii_json
from sfnwatch.recording.format import new_header
from sfnwatch.recording.reader import open_files
from sfnwatch.recording.recorder import atomic_write, write_recording
from sfnwatch.sources.live_options import CallOptions, LiveOptions
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
_VARIABLE = "GITHUB_STEP_SUMMARY"
_TROUBLE = frozenset({"denied", "expired", "retrying", "throttled"})
target_option = options.option(
    "--to FORMAT",
    "What to write.",
    dest="target",
    type=click.Choice(list(TARGETS)),
    required=True,
)
names_option = options.flag("--keep-state-names", "Leave the states' names.")


Source = Path | Named


def read_source(text: str) -> Source:
    """Tell a file from what names an execution; raises UsageError for neither."""
    if text == "-" or _is_file(text) or options.looks_like_file(text):
        return Path(text)
    return options.named_executions([text])[0]


def _is_file(text: str) -> bool:
    """True for what can be opened, pipes too; a folder may be called as a machine is.

    What has a NUL in it, or is too long, is no file: to a Path it is an error.
    """
    return os.path.exists(text) and not os.path.isdir(text)  # noqa: PTH110, PTH112


_sources = options.argument(
    "sources",
    lambda texts: options.each_once(texts, read_source),
    options.files_or_executions,
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
    settings, how = options.choose_aws(**asked)
    trace = Trace()
    sessions: list[session.Session] = []
    if paths := [each for each in sources if isinstance(each, Path)]:
        sessions.append(session.replay(paths))
        trace = sessions[0].trace
    if named := [each for each in sources if not isinstance(each, Path)]:
        settings = options.sign_in(settings, how.calls.profiles)
        arns, requests = options.find_executions(named, settings)
        live = session.live(arns, settings, how, asked=requests, trace=trace)
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
    return _Loaded(trace, code, meant, originals)


def _run_to_end(watched: session.Session) -> int:
    """Run a session; give the exit code, which is not that of the outcome.

    Raises RefusedError where AWS shows nothing at all of it. A report of files tells
    of what still runs in them.
    """
    signalled = session.run(watched.run)
    if signalled is not None:
        raise click.exceptions.Exit(signalled)
    watched.close(narrate)
    calls = watched.trace.as_of().health.get("lookup")
    if watched.mode == "live" and calls and calls.message:
        # That there are none may come from a trail's place that was written wrong.
        narrate(f"CloudTrail: {health_words(calls)}")
    try:
        session.raise_if_refused(watched.trace)
    except RefusedError as error:
        there = watched.trace.executions
        if not any(arn in there and there[arn].events for arn in watched.executions):
            raise
        narrate(str(error))
        return error.exit_code
    if watched.mode == "live" and watched.conclude(narrate) == Outcome.RUNNING:
        return Outcome.RUNNING
    return Outcome.SUCCEEDED


# -- which calls are meant -------------------------------------------------------------


def _chosen_call(found: _Loaded, text: str) -> ApiCall:
    """Find the call that an event ID, its beginning, or `call#…` means.

    Of a redacted one the ID in AWS's records will do, and so will its alias.
    """
    told = text.strip().removeprefix(CALL_KEY).removesuffix("…")
    originals, calls = found.originals, found.trace.calls
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


# -- which two are compared ------------------------------------------------------------


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


# -- what is written of it -------------------------------------------------------------


@contextmanager
def _out_to(path: Path | None, *, append: bool = False) -> Iterator[TextIO]:
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


def write_report(moment: Moment, form: str, out: TextIO) -> None:
    """Write what happened."""
    told = Report(moment)
    text = partial(ascii_json, report_json(told), indent=2)
    _write(form, out, text, explain_report(told))


# -- the commands ----------------------------------------------------------------------


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
    with _out_to(asked["output"]) as out:
        TARGETS[target].dump(found.trace.as_of(), out)
    return found.code


@click.command()
@_sources(required=True, metavar="FILE…|EXECUTION…")
@options.option(
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
    moment = found.trace.as_of()
    form: str = asked["form"]
    with _out_to(asked["output"]) as out:
        if calls:
            lines = (ascii_json(why_json(moment, call)) for call in calls)
            _write(form, out, lambda: "\n".join(lines), weigh(moment, calls))
        else:
            write_report(moment, form, out)
    return found.code


@click.command()
@_sources(required=True, metavar="A B")
@options.option(
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
    moment = found.trace.as_of()
    told = compare_executions((moment, a), (moment, b))
    text = partial(ascii_json, comparison_json(told), indent=2)
    with _out_to(asked["output"]) as out:
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
    with _out_to(output) as out:
        write_recording(out, header, redacted)
    for note in redaction_notes(records, **keep):
        narrate(note)


# -- waiting for an end ----------------------------------------------------------------


@click.command()
@options.executions_argument(
    required=True,
    metavar="EXECUTION…",
    callback=lambda _, __, texts: texts and options.named_executions(texts),
)
@options.flag("--next", "Wait for a machine's next one.", dest="coming")
@options.option("--until STATE", "Only until this state is entered.")
@options.option(
    "--timeout", "No longer than this: 90s, 15m, 1h.", type=options.DURATION
)
@options.option(
    "--format",
    "Print a report at the end; without it nothing is printed.",
    dest="form",
    type=options.FORMATS,
)
@options.flag("--summary", "Append the report to the summary of a GitHub job's step.")
@options.account_options
def wait(executions: list[Named], *, coming: bool, summary: bool, **asked: Any) -> int:
    """Wait for executions to end; the exit code is the outcome.

    EXECUTION is what `sfnwatch EXECUTION` takes. Only histories are read: no call to
    CloudTrail is made, and nothing is recorded. With --until it ends as soon as the
    state is entered, or with 13 if an execution succeeds without; after --timeout it
    ends with 14, and with 3 where AWS refuses to tell the end.

    \b
    sfnwatch wait "$arn" --timeout 1h && deploy
    sfnwatch wait "$arn" --format markdown >> "$GITHUB_STEP_SUMMARY"
    """
    from sfnwatch.sources.discovery import Search

    path = _summary_path() if summary else None
    settings = options.signed_in(**asked)
    waiting = _Waiting(asked["until"], asked["timeout"])

    async def begin() -> session.Session:
        arns = await Search(settings).find(executions, narrate, coming=coming)
        calls = CallOptions(lookup=False)
        how = LiveOptions(calls, drain=0.0, outlasts_throttling=True)
        return session.live(arns, settings, how, trace=waiting.trace)

    try:
        signalled = session.run(lambda: waiting.run(begin()))
        code = waiting.code() if signalled is None else signalled
    except RefusedError:
        if waiting.has_seen:
            _report(waiting.trace.as_of(), asked["form"], path)
        raise
    if code < Outcome.INTERRUPTED:
        _report(waiting.trace.as_of(), asked["form"], path)
    return code


class _Waiting:
    """Knows when what has come is enough."""

    def __init__(self, until: str | None, seconds: float | None) -> None:
        self.trace, self.until, self.seconds = Trace(), until, seconds
        """`until` names a state: enough when each execution entered it, or ended."""
        self.executions: Sequence[str] = ()
        """Their ARNs, once they are found."""
        self.late = False
        """True when the time was over first."""
        self._told: dict[str, object] = {}

    async def run(self, begin: Awaitable[session.Session]) -> None:
        """Find executions and wait for their ends, or for what is enough."""
        try:
            async with asyncio.timeout(self.seconds):
                watched = await begin
                self.executions = watched.executions
                async with aclosing(watched.moments()) as moments:
                    async for moment in moments:
                        self._tell_trouble(moment)
                        if self.until is not None and self._is_enough():
                            return
        except TimeoutError:
            self.late = not self._is_enough()

    @property
    def has_seen(self) -> bool:
        """True where there is something to report."""
        return any(each is not None and each.known for each in self._executions())

    def code(self) -> int:
        """Give the exit code; raises RefusedError where AWS doesn't tell the end."""
        if self.until is None or not self._is_enough():
            session.raise_if_refused(self.trace)
        if self.late:
            for words in self._situations():
                narrate(words)
            return Outcome.RUNNING
        code = session.outcome(self.trace.as_of())
        return code if self.until is None else self._until_code(code)

    def _executions(self) -> Iterator[ExecutionAsOf | None]:
        known = self.trace.as_of().executions
        return (known.get(arn) for arn in self.executions)

    def _is_enough(self) -> bool:
        """True when each has ended, or entered the state that is waited for."""
        return bool(self.executions) and all(
            each is not None and (each.ending is not None or self._entered(each))
            for each in self._executions()
        )

    def _entered(self, execution: ExecutionAsOf) -> bool:
        return any(visit.name == self.until for visit in execution.visits)

    def _tell_trouble(self, moment: Moment) -> None:
        """Say what keeps it from reading: nobody would know why nothing happens."""
        for lane, health in moment.health.items():
            told = (health.state, health.message)
            is_doubt = lane == "history" and health.state == "ended" and health.message
            is_trouble = health.state in _TROUBLE or is_doubt
            if is_trouble and self._told.get(lane) != told:
                narrate(health_words(health))
            self._told[lane] = told

    def _until_code(self, code: int) -> int:
        """Tell of executions that ended without the state."""
        without = [e for e in self._executions() if e and not self._entered(e)]
        state = clean(self.until or "", _LIMIT)
        for each in without:
            narrate(f"{clean(each.name, _LIMIT)} ended without entering {state!r}.")
        if not without:
            return Outcome.SUCCEEDED
        has_failed = code not in {Outcome.SUCCEEDED, Outcome.RUNNING}
        return code if has_failed else Outcome.WITHOUT

    def _situations(self) -> Iterator[str]:
        """Say of each execution that is not over where it is."""
        limit = duration(self.seconds or 0.0)
        running = [e for e in self._executions() if e is not None and e.running]
        survey = Survey(self.trace.as_of())
        for each in running:
            verdict = ExecutionVerdict(survey, each).text
            yield f"{clean(each.name, _LIMIT)}: {verdict} It is not over after {limit}."
        if not running:
            yield f"Not every execution was found within {limit}."


def _summary_path() -> Path:
    if path := os.environ.get(_VARIABLE):
        return Path(path)
    msg = f"--summary appends to the file that {_VARIABLE} names, and it is not set."
    hint = "Leave it out where no GitHub job runs, or give --format markdown."
    raise UsageError(msg, hint=hint)


def _report(moment: Moment, form: str | None, path: Path | None) -> None:
    """Print what is asked for, and append it to a step's summary."""
    if path is not None:
        with _out_to(path, append=True) as out:
            write_report(moment, "markdown", out)
    if form is not None:
        with _out_to(None) as out:
            write_report(moment, form, out)
