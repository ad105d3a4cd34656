"""The sources of a report, files and executions, and loading all that is in them.

Executions are named as `watch` takes them. A text that is both the name of a state
machine and of a file means the file.
"""

import os
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import click

from sfnwatch.cli import options
from sfnwatch.cli.account import sign_in
from sfnwatch.cli.execution_names import looks_like_file, named_executions
from sfnwatch.cli.execution_search import find_executions
from sfnwatch.cli.narration import narrate
from sfnwatch.cli.value_completion import complete_files_or_executions
from sfnwatch.cli.watch_options import choose_aws
from sfnwatch.errors import Outcome, RefusedError
from sfnwatch.export.plain_sentences import health_words
from sfnwatch.model.arns import Named
from sfnwatch.model.records import Received
from sfnwatch.model.trace import Trace
from sfnwatch.session import sessions, signals
from sfnwatch.session.outcome import raise_if_refused
from sfnwatch.session.session import Session
from sfnwatch.view.anonymizer import Anonymizer

Source = Path | Named


def read_source(text: str) -> Source:
    """Read a file's path, or what names an execution; raises UsageError for neither."""
    if text == "-" or _is_file(text) or looks_like_file(text):
        return Path(text)
    return named_executions([text])[0]


def _is_file(text: str) -> bool:
    """True for what can be opened, also a pipe; a folder may have a machine's name.

    Unlike a Path, `os.path` takes a text with a NUL in it, or one that is too long.
    """
    return os.path.exists(text) and not os.path.isdir(text)  # noqa: PTH110, PTH112


sources_argument = options.argument(
    "sources",
    partial(options.each_once, read=read_source),
    complete_files_or_executions,
    nargs=-1,
)


class Loaded(NamedTuple):
    """The trace of all sources."""

    trace: Trace
    code: int
    """The exit code: another than 0 if the end of an execution is not known."""
    executions: Sequence[str]
    """ARNs of the executions that were named, and of those in the files, in order."""
    originals: Mapping[str, str]
    """Of a redacted trace, its event IDs to those in AWS's records; otherwise empty."""


def load(sources: Sequence[Source], *, redact: bool = False, **asked: Any) -> Loaded:
    """Read files, and watch executions to their ends; raises SfnwatchError."""
    settings, live_options = choose_aws(**asked)
    paths: list[Path] = []
    named: list[Named] = []
    for source in sources:
        if isinstance(source, Path):
            paths.append(source)
        else:
            named.append(source)
    trace = Trace()
    watches: list[Session] = []
    if paths:
        replay = sessions.replay(paths)
        trace = replay.trace
        watches.append(replay)
    if named:
        settings = sign_in(settings, live_options.calls.profiles)
        arns, requests = find_executions(named, settings)
        live = sessions.live(arns, settings, live_options, asked=requests, trace=trace)
        watches.append(live)
        if not isinstance(sources[0], Path):
            # What is named first comes first.
            watches.reverse()
    records: list[Received] = []
    code = 0
    executions: list[str] = []
    for watch in watches:
        if redact:
            watch.consumers.append(lambda batch, _: records.extend(batch))
        code = max(code, _run_to_end(watch))
        executions += watch.executions
    if not redact:
        return Loaded(trace, code, executions, {})
    anonymizer = Anonymizer.for_records(records)
    originals = {anonymizer.call(event_id): event_id for event_id in trace.calls}
    redacted = Trace()
    redacted.add(list(map(anonymizer.redact, records)))
    return Loaded(redacted, code, executions, originals)


def _run_to_end(session: Session) -> int:
    """Run a session; return an exit code that does not depend on the outcome.

    Raises RefusedError if AWS shows nothing at all of the executions. What still runs
    in files is no error: a report of them says so.
    """
    signalled = signals.run(session.run)
    if signalled is not None:
        raise click.exceptions.Exit(signalled)
    session.close(narrate)
    is_live = session.mode == "live"
    lookup = session.trace.as_of().health.get("lookup")
    if is_live and lookup and lookup.message:
        # There may be no calls because the place of a trail was mistyped.
        narrate(f"CloudTrail: {health_words(lookup)}")
    try:
        raise_if_refused(session.trace)
    except RefusedError as error:
        if not _has_events(session):
            raise
        narrate(str(error))
        return error.exit_code
    if is_live and session.conclude(narrate) == Outcome.RUNNING:
        return Outcome.RUNNING
    return Outcome.SUCCEEDED


def _has_events(session: Session) -> bool:
    executions = session.trace.executions
    for arn in session.executions:
        if arn in executions and executions[arn].events:
            return True
    return False
