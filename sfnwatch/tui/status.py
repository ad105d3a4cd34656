"""The words around the views: who, how far, how complete, and what is wrong.

They are made as text from a given moment and clock, so that live and replay show the
same words.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from os.path import commonprefix
from re import split

from msgspec import Struct
from msgspec.structs import replace
from rich.cells import cell_len

from sfnwatch.analysis.finding import Finding
from sfnwatch.analysis.wording import cause_words, status_words
from sfnwatch.errors import SfnwatchError
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.source_health import HealthState, SourceHealth, merge_healths
from sfnwatch.model.texts import clean
from sfnwatch.model.time_axis import TimeAxis
from sfnwatch.model.times import clock, duration
from sfnwatch.tui.paint import Span, cut, flow, spans_of, width_of
from sfnwatch.tui.screen_state import ScreenState
from sfnwatch.view.markers import MarkerKind
from sfnwatch.view.parts import Part, Role, counted, status_glyph
from sfnwatch.view.wording import cut_middle

_INSIDE = "children"
_LANES = {
    "history": "history",
    "lookup": "CloudTrail",
    _INSIDE: "child executions",
    "others": "other executions",
}
"""The names that people know lanes by; other lanes are called by their own."""
_PASSING = frozenset({HealthState.THROTTLED, HealthState.RETRYING})
"""States of trouble that passes by itself."""
_LASTING = frozenset({HealthState.DENIED, HealthState.EXPIRED, HealthState.REFUSED})
_TROUBLE = {
    **dict.fromkeys(_PASSING, Span("▲", "role--warn")),
    **dict.fromkeys(_LASTING, Span("✘", "role--bad")),
}
"""The signs of states whose message is worth a row of its own."""
_LONGEST = 64
_SHORT = 20
_OF = " › "
_GAP = 3
"""Cells between two groups of words."""
_MESSAGE = 600
_ERROR = 60
_HEADLINE_FROM = 120
"""From this width on the headline stands beside the name."""
_HEADLINE_ROW_FROM = 16
"""Otherwise it stands below the name, if the screen has this many rows."""
_HEADLINE = 4
"""Most rows of the headline."""
_AND = Part(" · ", Role.DIM)
"""Stands between two things in the headline."""
_AGAIN = 3
"""The rank of words is this much lower once they were shortened: they give way
later."""


class Words(Struct, frozen=True):
    """Some words and their rank: the highest rank gives way first, 0 never."""

    rank: int
    spans: Sequence[Span]
    shorter: Sequence[Span] = ()
    """Shorter words that replace them when they give way, with a lower rank."""
    right: bool = False
    """True for words at the right end."""
    fill: Callable[[int], Sequence[Span]] | None = None
    """Returns as much of the words as the given number of cells can hold."""


def said(rank: int, text: str, look: str, short: str = "") -> Words:
    """Return words in one look; `short` replaces them when they give way."""
    return Words(rank, [Span(text, look)], [Span(short, look)] if short else ())


def fitted(parts: Iterable[Words], cells: int, gap: int = _GAP) -> list[Words]:
    """Leave out or shorten the least important words, until all fit with their gaps."""
    kept = [part for part in parts if part.spans]
    while _length(kept, gap) > cells and any(part.rank for part in kept):
        # Of equal rank the last goes first, and no more words than must go.
        place = max(range(len(kept)), key=lambda each: (kept[each].rank, each))
        part = kept.pop(place)
        if part.shorter:
            less = max(0, part.rank - _AGAIN)
            shorter = replace(part, rank=less, spans=part.shorter, shorter=())
            kept.insert(place, shorter)
    return kept


def _length(parts: Sequence[Words], gap: int = _GAP) -> int:
    gaps = max(0, len(parts) - 1) * gap
    return sum(width_of(part.spans) for part in parts) + gaps


def joined(parts: Iterable[Words], gap: int = _GAP) -> list[Span]:
    """Return the spans of all words, with gaps between."""
    spans: list[Span] = []
    for part in parts:
        spans += [*([Span(" " * gap)] if spans else []), *part.spans]
    return spans


# -- who, how, how far -----------------------------------------------------------------


def status_rows(screen_state: ScreenState, width: int, height: int) -> list[list[Span]]:
    """Return everything in one row, or with the headline in rows of its own.

    On a wide screen the headline stands beside the name if nothing is cut for that. On
    a screen of few rows it is in that one row too, and takes the room left.
    """
    parts = [
        *_who(screen_state),
        *_outcome(screen_state),
        *_badges(screen_state),
        *_sources(screen_state),
    ]
    headline = spans_of(screen_state.headline, screen_state.looks.mask)
    room = width - 2
    if not headline:
        return [_ends(parts, room)]
    size = width_of(headline) + _GAP
    beside = fitted(parts, room - size)
    if (
        width >= _HEADLINE_FROM
        and parts[0] in beside
        and _length(beside) + size <= room
    ):
        return [_ends([*beside, Words(0, headline)], room)]
    if height >= _HEADLINE_ROW_FROM:
        rows = flow(headline, room, room, _HEADLINE)
        return [_ends(parts, room), *([Span(" "), *row] for row in rows)]
    # The headline gets what is left: at least half of the row, if it needs that.
    kept = fitted(parts, room - min(size, room // 2))
    rest = room - _length(kept) - _GAP
    return [_ends([*kept, Words(0, cut(headline, rest))], room)]


def _ends(parts: Sequence[Words], room: int) -> list[Span]:
    """Put some words at the left end of a row, and others at the right.

    Cells that nothing else takes are for the name, before any stays blank.
    """
    kept = fitted(parts, room)
    for place, part in enumerate(kept):
        if part.fill is not None:
            cells = width_of(part.spans) + room - _length(kept)
            kept[place] = replace(part, spans=part.fill(cells))
    begin = joined(part for part in kept if not part.right)
    end = joined(part for part in kept if part.right)
    blank = max(0, room - width_of(begin) - width_of(end))
    return [Span(" "), *begin, Span(" " * blank), *end]


def _who(screen_state: ScreenState) -> Iterator[Words]:
    mask = screen_state.looks.mask
    roots = screen_state.roots
    if not roots:
        # No record has come yet from which names to mask could be learned.
        title = (
            ""
            if screen_state.looks.masked
            else clean(screen_state.session.title, _LONGEST)
        )
        yield said(2, title or "sfnwatch", "role--name")
        return
    # Names are masked first: the masks do not know parts of names.
    machine = _shared({mask(each.state_machine_name or "") for each in roots})
    name = _shared({mask(each.name) for each in roots}) or f"{len(roots)} executions"
    whole = clean(name, _LONGEST)
    of = clean(machine, _LONGEST)

    def fill(cells: int) -> list[Span]:
        """Cut both names to `cells` cells; with few, the machine's is left out."""
        least = min(_SHORT, cell_len(of))
        if not of or cells < least + len(_OF) + min(_SHORT // 2, cell_len(whole)):
            return [Span(_cut_middle(whole, cells), "role--name")]
        kept = max(cells - len(_OF) - cell_len(whole), least)
        short = _cut_middle(whole, cells - len(_OF) - kept)
        left = cells - len(_OF) - cell_len(short)
        return [Span(f"{_cut_middle(of, left)}{_OF}"), Span(short, "role--name")]

    few = fill(_SHORT // 2 if machine else _SHORT)
    yield Words(4 if machine else 3, fill(5 * _LONGEST), few, fill=fill)


def _cut_middle(name: str, cells: int) -> str:
    """Cut a name in its middle; some letters take two cells."""
    tries = (cut_middle(name, room) for room in range(cells, 0, -1))
    return next((short for short in tries if cell_len(short) <= cells), "")


def _shared(names: set[str]) -> str:
    """Return the whole words that all names begin with; empty if there are none."""
    if len(names) == 1:
        return names.pop()
    words = [split(r"[-_.\s]+", name) for name in names]
    return "-".join(commonprefix(words))  # noqa: RUF071 - of lists of words


def _outcome(screen_state: ScreenState) -> Iterator[Words]:
    roots = screen_state.roots
    if not roots:
        return
    spans: list[Span] = []
    for status, count in Counter(each.status for each in roots).items():
        glyph = status_glyph(status)
        number = f"{count} " if len(roots) > 1 else ""
        word = clean(status.replace("_", " "), _LONGEST)
        space = "  " if spans else ""
        spans.append(Span(f"{space}{glyph.text} {number}{word}", f"role--{glyph.role}"))
    if len(roots) == 1:
        # Several executions have no common length of time.
        spans.append(Span(f" {length_words(roots[0], screen_state.now)}", "role--name"))
    yield Words(0, spans)


def length_words(execution: ExecutionAsOf, now: datetime) -> str:
    """Return how long it took, or how long it has run by now: `5m 09s`, `04:52`."""
    begin = execution.started_at
    end = execution.stopped_at
    if begin is None:
        return ""
    seconds = max(0.0, ((end or now) - begin).total_seconds())
    return duration(seconds) if end else clock(seconds)


def _badges(screen_state: ScreenState) -> Iterator[Words]:
    playback = screen_state.playback
    new = f"{screen_state.unseen:,} new"
    if playback.held:
        more = f", {new}" if screen_state.unseen else ""
        yield said(2, f"‖ paused{more}", "role--warn", "‖")
    elif not playback.replay and not playback.live:
        sign = "▶" if playback.playing else "‖"
        yield said(2, f"{sign} in the past, l for live", "role--warn", f"{sign} past")
    elif screen_state.unseen:
        yield said(2, f"↓ {new}", "role--warn")
    if screen_state.session.mode != "live":
        # Synthetic data is marked as such at any width.
        rank = 0 if screen_state.session.mode == "demo" else 4
        yield said(rank, screen_state.session.mode.upper(), "look--faint")
    if screen_state.looks.masked:
        yield said(4, "masked", "role--name")
    if screen_state.session.recorder:
        yield Words(5, [Span("●", "role--bad"), Span(" rec", "look--faint")])
    if screen_state.trace.unread:
        yield said(3, f"▲ {len(screen_state.trace.unread):,} unreadable", "role--warn")


# -- sources ---------------------------------------------------------------------------


def _sources(screen_state: ScreenState) -> Iterator[Words]:
    """Yield what matters of the sources: trouble, and how complete calls are."""
    if screen_state.playback.clock is TimeAxis.EVENT:
        return
    for lane in ("history", "lookup"):
        health = screen_state.snapshot.health.get(lane)
        if health is not None and health.state in _TROUBLE:
            sign = _TROUBLE[health.state]
            name = f" {_LANES[lane]}"
            expired = health.state is HealthState.EXPIRED
            words = f"{name} {'credentials expired' if expired else health.state}"
            yield Words(1, [sign, Span(words, sign.look)], [sign, Span(name)])
        elif health is not None and lane == "lookup":
            for told in _completeness(health, screen_state):
                yield replace(told, right=True)


def _completeness(health: SourceHealth, screen_state: ScreenState) -> Iterator[Words]:
    """Yield up to when all calls are known, and how long late ones are awaited."""
    if screen_state.session.mode == "replay" and screen_state.playback.ended:
        if health.state is not HealthState.ENDED:
            yield said(5, "recording ends here", "look--faint")
    elif health.state is HealthState.DRAINING and not _has_gone_on(screen_state):
        left = (health.until - screen_state.now).total_seconds() if health.until else 0
        more = f", up to {clock(left)} more" if left > 0 else ""
        brief = f"awaiting late calls, {clock(left)}" if left > 0 else "waiting"
        words = f"waiting for late CloudTrail records{more}"
        yield said(5, words, "role--busy", brief)
    elif health.state is HealthState.WAITING:
        yield said(5, "waiting for a redrive", "look--faint")
    if health.coverage is not None:
        at = screen_state.looks.time_of_day(health.coverage, whole=True)
        words = f"CloudTrail complete up to {at} (estimate)"
        yield said(7, words, "look--faint", f"complete to {at}")
    elif health.message and health.state in {HealthState.LIVE, HealthState.DRAINING}:
        words = clean(health.message, _MESSAGE)
        yield said(7, words, "look--faint", "CloudTrail not complete yet")


def _has_gone_on(screen_state: ScreenState) -> bool:
    """True if an ended execution was redriven; the lane of calls learns it late."""
    return any(each.redrives and each.running for each in screen_state.roots)


def troubles(screen_state: ScreenState) -> Iterator[list[Span]]:
    """Yield why nothing more can come, and the messages of sources in trouble.

    Many child executions mostly fail alike: the worst one speaks for all.
    """
    yield from map(refusal_spans, screen_state.refusals)
    bad = [
        h
        for h in screen_state.snapshot.each_health
        if h.state in _TROUBLE and h.message
    ]
    inside = [h for h in bad if h.lane == _INSIDE]
    if len(inside) > 1:
        worst = merge_healths(_INSIDE, inside)
        more = f"{worst.message} And {len(inside) - 1} more."
        bad = [*(h for h in bad if h.lane != _INSIDE), replace(worst, message=more)]
    for health in sorted(bad, key=lambda h: (h.state in _PASSING, h.lane)):
        sign = _TROUBLE[health.state]
        name = _LANES.get(health.lane, clean(health.lane, _LONGEST))
        yield [
            Span(f"{sign.text} {name} {health.state}", sign.look),
            Span(f"  {clean(screen_state.looks.mask(health.message), _MESSAGE)}"),
        ]


def refusal_spans(error: SfnwatchError) -> list[Span]:
    """Return why a watch could not begin, or had to end, and what to do."""
    hint = f"  {clean(error.hint, _MESSAGE)}" if error.hint else ""
    return [Span(f"✘ {clean(error.message, _MESSAGE)}", "role--bad"), Span(hint)]


def quiet_words(screen_state: ScreenState) -> str:
    """Return why there are no calls to see, as far as that is known."""
    health = screen_state.snapshot.health.get("lookup")
    if health is not None and health.state in _TROUBLE:
        return f"none: CloudTrail {health.state}"
    if health is not None and health.message:
        return clean(health.message, _MESSAGE)
    ended = screen_state.over or (
        health is not None and health.state is HealthState.ENDED
    )
    if ended and not screen_state.trace.calls:
        return "none recorded"
    return "none yet: CloudTrail is minutes behind"


def ending_words(execution: ExecutionAsOf, screen_state: ScreenState) -> str:
    """Return how an execution ended: `✔ nightly-report succeeded after 5m 09s`."""
    glyph = status_glyph(execution.status).text
    status = status_words(execution.status)
    name = screen_state.looks.mask(execution.state_machine_name or execution.name)
    return clean(
        f"{glyph} {name} {status} after {length_words(execution, screen_state.now)}"
    )


# -- the headline ----------------------------------------------------------------------


def headline(screen_state: ScreenState) -> tuple[Part, ...]:
    """Return in half a line what is most worth knowing, failures first."""
    by_kind: dict[str, list[Finding]] = {}
    for finding in screen_state.findings:
        by_kind.setdefault(finding.kind, []).append(finding)
    learned = by_kind.get("noticed", [])
    told = [
        *_failures(screen_state),
        *(
            _denied(screen_state, f, learned)
            for f in by_kind.get("denied-but-succeeded", ())
        ),
        *_failed_children(by_kind.get("children", ())),
        *_caught(screen_state),
        *_redriven(screen_state),
        *_retried(by_kind.get("retries", ())),
    ][:2]
    if not told and learned:
        whose = _whose(screen_state, learned[0].execution_arn)
        told = [[*whose, Part(_learned_words(screen_state, learned[0]))]]
    first, *others = told or [[]]
    return (*first, *(part for each in others for part in (_AND, *each)))


def _failures(screen_state: ScreenState) -> Iterator[list[Part]]:
    """Yield the error and cause of the first execution that failed."""
    endings = [each.ending for each in screen_state.roots if each.ending is not None]
    for error, cause in map(screen_state.maker.failure, endings):
        if error:
            words = f"  {clean(cause_words(cause), _ERROR * 2)}" if cause else ""
            yield [Part(clean(error, _ERROR), Role.BAD), Part(words)]
            return


def _denied(
    screen_state: ScreenState, finding: Finding, learned: Iterable[Finding]
) -> list[Part]:
    data = finding.data
    arn = finding.execution_arn
    own = arn, data.get("attempt")
    ends = (f for f in learned if (f.execution_arn, f.data.get("attempt")) == own)
    end = next(ends, None)
    words = f"{data['count']} of {data['polls']} polls denied"
    if "up_to" in data:
        words = f"up to {counted(data['up_to'], 'poll')} denied"
    return [
        *_whose(screen_state, arn),
        Part(words, Role.BAD),
        Part(f", yet {_learned_words(screen_state, end) if end else 'it succeeded'}"),
    ]


def _failed_children(findings: Sequence[Finding]) -> Iterator[list[Part]]:
    for finding in findings[:1]:
        failed = finding.data.get("failed", 0)
        if failed:
            words = f"{failed} of {finding.data['total']} child executions failed"
            errors = _errors(finding)
            yield [Part(words, Role.BAD), Part(f": {errors}" if errors else "")]


def _caught(screen_state: ScreenState) -> Iterator[list[Part]]:
    markers = screen_state.markers.by(screen_state.playback.clock)
    found = [
        m for m in markers if m.kind is MarkerKind.CAUGHT and m.at <= screen_state.now
    ]
    if found:
        state = found[0].label.removesuffix(" caught")
        number = counted(len(found), "error")
        yield [Part(f"{number} caught", Role.WARN), Part(f": {state}")]


def _redriven(screen_state: ScreenState) -> Iterator[list[Part]]:
    """Yield how long after which error an execution was last redriven."""
    for arn, execution in screen_state.snapshot.roots.items():
        redrives = execution.redrives
        if redrives and redrives[-1].ended is not None:
            ended = redrives[-1].ended
            event = redrives[-1].event
            error, _ = screen_state.maker.failure(ended)
            after = duration((event.at - ended.at).total_seconds())
            times = f" {len(redrives)} times, last" if len(redrives) > 1 else ""
            yield [
                *_whose(screen_state, arn),
                Part(f"redriven{times} {after} after "),
                Part(clean(error or "it ended", _ERROR), Role.WARN),
            ]


def _retried(findings: Sequence[Finding]) -> Iterator[list[Part]]:
    if findings:
        again = sum(each.data["tries"] - each.data["visits"] for each in findings)
        number = counted(again, "retry", "retries")
        yield [Part(f"{number}: "), Part(_errors(*findings), Role.WARN)]


def _errors(*findings: Finding) -> str:
    told = (error for each in findings for error in each.data.get("errors", ()))
    return ", ".join(clean(error, _ERROR) for error in dict.fromkeys(told))


def _learned_words(screen_state: ScreenState, finding: Finding) -> str:
    by = finding.data.get("by")
    seconds = finding.data["seconds"]
    # A finding about several states has a dict of counts here.
    how = f", by {by}" if isinstance(by, str) and by in {"event", "poll"} else ""
    if by == "poll" and not _is_certain(screen_state, finding):
        how = ", by poll or event"
    return f"completion detected in {seconds:.1f} s{how}"


def _is_certain(screen_state: ScreenState, finding: Finding) -> bool:
    """True if a poll surely lies between the job's end and the try's end."""
    key = finding.execution_arn or "", finding.data.get("attempt") or 0
    attempt = screen_state.snapshot.attempt(key)
    told = screen_state.maker.completion(key, attempt) if attempt is not None else None
    return told is not None and told.certain


def _whose(screen_state: ScreenState, arn: str | None) -> list[Part]:
    """Return the execution's short name, if there are several executions."""
    own = screen_state.chips().get(arn or "")
    return [Part(f"{own.text.strip()}: ", Role.DIM)] if own is not None else []
