"""What happened, step by step, as statements of a Mermaid sequence diagram."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import mean

from msgspec import Struct

from sfnwatch.export.mermaid_cast import Cast, escape
from sfnwatch.trace.integrations import CallRole
from sfnwatch.trace.lanes import Kind, Row, build_lanes
from sfnwatch.trace.spans import Key
from sfnwatch.trace.timeline import TERMINAL, Trace
from sfnwatch.trace.visits import StateVisit
from sfnwatch.trace.words import call_words, plain, resource_words, row_pieces

_SILENT = frozenset({"MapIterationStarted", "MapIterationSucceeded"})


class Step(Struct, frozen=True):
    """One thing that is drawn: a message, a note, or a loop of messages."""

    lines: tuple[str, ...]
    who: frozenset[str]
    """The participants it needs."""
    last: bool = False
    """True for how an execution ended, or went on, which is never left out."""


def steps(trace: Trace, cast: Cast) -> Iterator[Step]:
    """Yield what is to be drawn, in the order of time."""
    rows = build_lanes(trace, nested=False).rows
    by_key = {row.key: row for row in rows}
    writer = _Writer(cast, _polls(rows))
    drawn: set[str] = set()
    for row in rows:
        if row.key in drawn:
            continue
        drawn.add(row.key)
        if row.call is not None:
            yield from writer.call(row)
            continue
        if row.task is not None:
            yield writer.task(row)
            continue
        caused = by_key.get(row.causes or "")
        # One that took long stands before, at its own time.
        if caused is not None and caused.key not in drawn:
            drawn.add(caused.key)
            yield from writer.call(caused)
        yield from writer.event(row, caused)


def _polls(rows: Sequence[Row]) -> dict[Key, list[Row]]:
    """Collect each attempt's polls."""
    found: dict[Key, list[Row]] = defaultdict(list)
    for row in rows:
        key = _attempt_key(row)
        if key is not None and _is_poll(row):
            found[key].append(row)
    return found


def _is_poll(row: Row) -> bool:
    return row.link is not None and row.link.role is CallRole.POLL


def _attempt_key(row: Row) -> Key | None:
    link = row.link
    if link is None or link.execution_arn is None or link.attempt_id is None:
        return None
    return link.execution_arn, link.attempt_id


class _Writer:
    """Puts rows into statements."""

    def __init__(self, cast: Cast, polls: dict[Key, list[Row]]) -> None:
        self._cast, self._polls = cast, polls

    # -- states ------------------------------------------------------------------

    def event(self, row: Row, caused: Row | None) -> Iterator[Step]:
        arn, visit = row.execution_arn or "", row.visit
        workflow = self._cast.workflow(arn)
        ends = row.events[-1].type in TERMINAL or row.redrive is not None
        if visit is None or not visit.attempts:
            if row.events[0].type not in _SILENT:
                words = f"{_clock(row)} {_container(row)}{_words(row)}"
                yield _note(workflow, words, last=ends)
            return
        state, alone = self._cast.state(arn, visit.name)
        name = _which(visit, alone=alone)
        match row.kind:
            case Kind.ENTERED | Kind.PASSED:
                words = (
                    f"{_clock(row)} {name}enter  {resource_words(visit.attempts[0])}"
                )
                yield _message(workflow, "->>", state, words)
            case Kind.EXITED:
                yield _message(state, "-->>", workflow, f"{name}{_words(row)}")
            case Kind.PHASE:
                yield from self._phase(row, state, name, caused)
            case _:
                yield _note(state, f"{name}{_words(row)}")

    def _phase(
        self, row: Row, state: str, name: str, caused: Row | None
    ) -> Iterator[Step]:
        last, attempt = row.events[-1], row.attempt
        words = f"{name}{_words(row)}"
        if caused is not None and caused.call is not None:
            # The answer to the call that was just drawn.
            service, _ = self._cast.service(_service(caused))
            failed = caused.call.error_code is not None
            arrow = "--x" if failed else "-->>"
            yield _message(service, arrow, state, f"{_clock(row)} {words}")
        elif attempt is not None and last.timestamp == attempt.ended_at:
            yield _note(state, f"{_clock(row)} {words}")
        elif "try " in words:
            yield _note(state, words)

    def task(self, row: Row) -> Step:
        """Note in the state's column what ECS told of its task."""
        if row.caller is None:  # pragma: no cover - a task is known by its state
            return _note(self._cast.workflow(row.execution_arn or ""), _words(row))
        state, alone = self._cast.state(row.execution_arn or "", row.caller.name)
        name = _which(row.caller, alone=alone)
        return _note(state, f"{_clock(row)} {name}{_words(row)}")

    # -- calls -------------------------------------------------------------------

    def call(self, row: Row) -> Iterator[Step]:
        service, alone = self._cast.service(_service(row))
        told = "" if alone else f"{_service(row)} "
        if row.attempt is None or row.caller is None or row.execution_arn is None:
            yield _note(service, f"{_clock(row)} {told}{_call_words(row)}")
            return
        state, own = self._cast.state(row.execution_arn, row.caller.name)
        told = f"{_which(row.caller, alone=own)}{told}"
        polls = self._polls.get(_attempt_key(row) or ("", 0), [])
        if not _is_poll(row) or len(polls) == 1:
            words = f"{_clock(row)} {told}{_call_words(row)}"
            yield _message(state, _arrow(row), service, words)
        elif row is polls[0]:
            yield _loop(state, service, polls, told)


def _loop(state: str, service: str, polls: Sequence[Row], told: str) -> Step:
    """Draw many polls as one, which is a denied one if there was no other."""
    times = [row.at for row in polls]
    # As far as CloudTrail was read: beyond it, others may still come in between.
    known = [row.at for row in polls if row.sure]
    gaps = [(b - a).total_seconds() for a, b in pairwise(known)]
    every = f", about every {mean(gaps):.0f} s" if gaps else ""
    answered = [row for row in polls if row.call and not row.call.error_code]
    denied = len(polls) - len(answered)
    refused = f", {denied if answered else 'all'} denied" if denied else ""
    label = f"{len(polls)} polls{every}{refused}"
    shown = answered[0] if answered else polls[0]
    span = f"{times[0]:%H:%M:%S} – {times[-1]:%H:%M:%S}"
    words = f"{span} {told}{_call_words(shown)}"
    inner = _message(state, _arrow(shown), service, words)
    return Step((f"loop {escape(label)}", *inner.lines, "end"), inner.who)


def _message(who: str, arrow: str, whom: str, text: str) -> Step:
    return Step((f"{who}{arrow}{whom}: {escape(text)}",), frozenset({who, whom}))


def _note(who: str, text: str, *, last: bool = False) -> Step:
    return Step((f"Note over {who}: {escape(text)}",), frozenset({who}), last)


def _arrow(row: Row) -> str:
    """Draw a call that came to nothing with a cross."""
    return "-x" if row.call is not None and row.call.error_code else "->>"


def _clock(row: Row) -> str:
    at = row.call.event_time if row.call else row.at
    return at.strftime("%H:%M:%S")


def _words(row: Row) -> str:
    return plain(row_pieces(row))


def _container(row: Row) -> str:
    """Name a state in the workflow's own column, but where its words do."""
    if row.visit is None or row.kind in {Kind.ENTERED, Kind.PASSED}:
        return ""
    return f"{row.visit.name}  "


def _which(visit: StateVisit, *, alone: bool) -> str:
    """Tell iterations of one state apart, and states in one column; or say nothing."""
    index = f"[{visit.index}] " if visit.index is not None else ""
    return index if alone else f"{visit.name} {index}"


def _service(row: Row) -> str:
    source = row.call.event_source if row.call else ""
    return source.removesuffix(".amazonaws.com") or "unknown"


def _call_words(row: Row) -> str:
    told = call_words(row)
    if told is None or row.call is None:
        return ""
    poll = _is_poll(row)
    name = row.call.event_name if poll else plain(told.name)
    subject = () if poll else told.subject
    return f"{name}{plain((*subject, *told.error, *told.rule))}"
