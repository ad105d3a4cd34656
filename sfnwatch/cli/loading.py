"""Executions of files and of AWS, read to their ends for a report.

Executions are named as where they are watched. A file that is there is a file, whatever
its name: so a state machine's name is one only where no file has it.
"""

import os
from collections.abc import Mapping, Sequence
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

NAME_LIMIT = 200
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


sources_argument = options.argument(
    "sources",
    lambda texts: options.each_once(texts, read_source),
    complete_files_or_executions,
    nargs=-1,
)


class Loaded(NamedTuple):
    """What came of all that was named."""

    trace: Trace
    code: int
    """The exit code: another where the end of an execution is not known."""
    executions: Sequence[str]
    """ARNs of those that are meant, of the first source first."""
    originals: Mapping[str, str]
    """Of a redacted trace, by the event IDs in it those in AWS's records."""


def load(sources: Sequence[Source], *, redact: bool = False, **asked: Any) -> Loaded:
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
    return Loaded(trace, code, meant, originals)


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
