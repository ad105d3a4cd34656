"""The whole of what is named, files and executions alike, for what is told at once.

Executions are named as where they are watched: by what they are found by, too. A file
that is there is a file, whatever its name: so a state machine's name is one only where
no file has it.
"""

import asyncio
from collections.abc import Collection, Sequence
from pathlib import Path

import click
from msgspec import Struct

from sfnwatch.clock import ServerClock
from sfnwatch.errors import Outcome, RefusedError, SfnwatchError, UsageError
from sfnwatch.naming_executions import MachineName, Named, looks_like_file, named
from sfnwatch.narration import narrate
from sfnwatch.recording.files import open_files
from sfnwatch.recording.recording import Recording, executions_of
from sfnwatch.running import Play, run_lines
from sfnwatch.settings import AwsOptions
from sfnwatch.starting import Found, find
from sfnwatch.trace.events import Batch, Received
from sfnwatch.trace.heads import Head, head_of, labels
from sfnwatch.trace.text import clean
from sfnwatch.trace.timeline import Trace, extend

_LABEL = 40
"""No label takes more characters."""
_LIMIT = 200
TRIES = 5
"""Tries to reach AWS at all: nobody watches who could help."""


class Gathered(Struct, frozen=True):
    """What came of it all."""

    records: Batch
    trace: Trace
    code: int = Outcome.SUCCEEDED
    """The exit code: another where AWS refused to show one of several executions."""
    watched: tuple[str, ...] = ()
    """ARNs of the executions that were named, or found, in the order of their names."""


class _Kept:
    """A consumer that only keeps what comes."""

    def __init__(self) -> None:
        self.trace = Trace()
        self.records: list[Received] = []
        self.code: int = Outcome.SUCCEEDED

    def __call__(self, batch: Batch) -> None:
        self.records.extend(batch)
        self.trace = extend(self.trace, batch)

    def finish(self) -> None:
        """Say nothing: what is done with it is up to the caller."""


def gather(sources: Sequence[str], options: AwsOptions, drain: float) -> Gathered:
    """Read files, and watch executions to their ends; raises SfnwatchError."""
    from sfnwatch import plays

    read = [read_source(text) for text in sources]
    paths = [each for each in read if isinstance(each, Path)]
    found: list[_Kept] = []
    if paths:
        found.append(_run(plays.replay(paths, speed=None)))
    watched = _found([each for each in read if not isinstance(each, Path)], options)
    if watched.arns:
        play = plays.live(
            watched.arns, options, drain=drain, tries=TRIES, asked=watched.asked
        )
        found.append(_run(play))
    records = tuple(record for kept in found for record in kept.records)
    trace = found[0].trace if len(found) == 1 else extend(Trace(), records)
    code = max(kept.code for kept in found)
    return Gathered(records, trace, code, tuple(arn.arn for arn in watched.arns))


def read_source(text: str) -> Path | Named:
    """Tell a file from what names an execution; raises UsageError for neither."""
    if _is_file(text):
        return Path(text)
    try:
        found = named(text)
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


def _found(read: Sequence[Named], options: AwsOptions) -> Found:
    """Find the executions of what was named."""
    if not read:
        return Found(())
    try:
        return asyncio.run(find(read, options, ServerClock(), tell=narrate))
    except (UsageError, RefusedError) as error:
        raise _or_no_file(error, read) from error


def _or_no_file(error: SfnwatchError, read: Sequence[Named]) -> SfnwatchError:
    """Say too that there is no such file, where it may have been meant for one."""
    names = [clean(each.name, _LIMIT) for each in read if isinstance(each, MachineName)]
    if not names:
        return error
    hint = f"{error.hint} There is no file {' or '.join(names)} here either."
    return type(error)(error.message, hint=hint.strip())


def _run(play: Play) -> _Kept:
    """Run a play to its end; raises RefusedError where nothing at all is shown."""
    for note in play.notes:
        narrate(note)
    kept = _Kept()
    try:
        code = run_lines(play, kept, None)
    except RefusedError as error:
        if not any(timeline.events for timeline in kept.trace.timelines.values()):
            raise
        narrate(str(error))
        code = kept.code = error.exit_code
    if code >= Outcome.INTERRUPTED:
        raise click.Abort
    return kept


def redacted(found: Gathered, *, keep_state_names: bool = False) -> Gathered:
    """Put aliases in the place of all that is not AWS's own."""
    from sfnwatch.recording.redaction import redact

    recording = Recording(found.records, executions=executions_of(found.records))
    records = redact(recording, keep_state_names=keep_state_names).records
    return Gathered(records, extend(Trace(), records), found.code)


def chosen_pair(
    found: Gathered, sources: Sequence[str], names: Sequence[str]
) -> tuple[str, str]:
    """Choose the two executions to compare, the first named first.

    `names` are parts of ARNs or of names; without any, there must be two in all.
    """
    trace = found.trace
    pair = [_named(trace, name) for name in names] if names else list(trace.timelines)
    if len(set(pair)) != 2:  # noqa: PLR2004
        verb = "named" if names else "here"
        msg = f"Two executions can be compared; {_count(set(pair))} {verb}."
        raise UsageError(msg, hint=_hint(trace))
    first, second = pair
    if not names and len(sources) > 1 and first not in _own(found, sources[0]):
        first, second = second, first
    return first, second


def _own(found: Gathered, source: str) -> Sequence[str]:
    """List the executions that the first source is about."""
    read = read_source(source)
    return (
        open_files([read]).executions if isinstance(read, Path) else found.watched[:1]
    )


def _named(trace: Trace, name: str) -> str:
    """Find the execution a name means: its own, the one it is told by, or a part."""
    exact = [
        head.execution_arn
        for head, label in _labelled(trace)
        if name in {head.execution_arn, head.name, label}
    ]
    found = exact or [arn for arn in trace.timelines if name in arn]
    if len(found) != 1:
        many = "several executions" if found else "no execution"
        raise UsageError(f"{clean(name, 200)!r} names {many}.", hint=_hint(trace))
    return found[0]


def _count(found: Collection[str]) -> str:
    few = {0: "none is", 1: "only one is"}
    return few.get(len(found), f"{len(found)} are")


def _hint(trace: Trace) -> str:
    if len(trace.timelines) < 2:  # noqa: PLR2004
        return "Name two recordings, or two executions."
    known = ", ".join(
        f"{label} ({clean(head.whole_name, 120)})" for head, label in _labelled(trace)
    )
    return f"Choose two with --execution NAME; there are: {known}."


def _labelled(trace: Trace) -> list[tuple[Head, str]]:
    heads = [head_of(timeline) for timeline in trace.timelines.values()]
    names = [(head.name, head.machine or "") for head in heads]
    return list(zip(heads, labels(names, _LABEL), strict=True))
