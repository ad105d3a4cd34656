"""What stands below a pair: its tries, its calls, who noticed, where its time went."""

from collections.abc import Iterator

from msgspec import Struct

from sfnwatch.trace.attempts import Attempt
from sfnwatch.trace.compare_points import (
    CallPair,
    CallTally,
)
from sfnwatch.trace.compare_values import (
    Change,
    Comparison,
    Pair,
    Side,
    TryPair,
)
from sfnwatch.trace.compare_words import NAME, status_tone, status_word
from sfnwatch.trace.integrations import CallRole, Pattern
from sfnwatch.trace.notice import By, Notice
from sfnwatch.trace.spans import Part
from sfnwatch.trace.text import clean, duration
from sfnwatch.trace.values import replace
from sfnwatch.trace.words import Piece, Tone, resource_words

_NONE: tuple[Piece, ...] = (("none", Tone.DIM),)
_NOT_KNOWN: tuple[Piece, ...] = (("not known", Tone.DIM),)


class Detail(Struct, frozen=True):
    """One line on both sides."""

    label: str
    a: tuple[Piece, ...]
    b: tuple[Piece, ...]
    differs: bool = False
    """True if the two did something else here."""
    key_a: str | None = None
    """The lanes' key of what it is about in A: of an event, or of a call."""
    key_b: str | None = None
    change: Change | None = None
    """Of a length, how it changed."""
    minor: bool = False
    """True for what goes without saying, such as the one call of a Task."""


def details(comparison: Comparison, place: int) -> Iterator[Detail]:
    """Yield what there is to tell of a pair beside its length."""
    pair = comparison.pairs[place]
    for detail in _details(comparison, pair):
        # Where there is no state, what it lacks goes without saying.
        yield replace(
            detail,
            a=detail.a if pair.a is not None else (),
            b=detail.b if pair.b is not None else (),
            differs=detail.differs and pair.both,
        )


def _details(comparison: Comparison, pair: Pair) -> Iterator[Detail]:
    if not pair.tries:
        return
    yield from _resource(pair)
    for tried in pair.tries:
        if len(pair.tries) > 1 or _failed(tried.a) or _failed(tried.b):
            yield _try(comparison, tried)
        yield from (_calls(comparison, tried, call) for call in tried.calls)
        if tried.noticed_a is not None or tried.noticed_b is not None:
            yield _notice(comparison, tried)
    yield from _parts(pair)


def _failed(attempt: Attempt | None) -> bool:
    return attempt is not None and attempt.status not in {"succeeded", "running"}


def _resource(pair: Pair) -> Iterator[Detail]:
    tried = pair.tries[0]
    if tried.a is None or tried.b is None:
        return
    a, b = resource_words(tried.a), resource_words(tried.b)
    if a != b:
        yield Detail("runs", ((a, Tone.ACTION),), ((b, Tone.ACTION),), differs=True)


# -- tries ---------------------------------------------------------------------------


def _try(comparison: Comparison, tried: TryPair) -> Detail:
    a, b = tried.a, tried.b
    same = (
        a is not None and b is not None and (a.status, a.error) == (b.status, b.error)
    )
    return Detail(
        label=f"try {tried.number}",
        a=_try_pieces(a, tried.seconds.a),
        b=_try_pieces(b, tried.seconds.b),
        differs=not same,
        key_a=_began(comparison.a, a),
        key_b=_began(comparison.b, b),
        # One that failed early is no faster for it.
        change=tried.seconds if same else None,
    )


def _began(side: Side, attempt: Attempt | None) -> str | None:
    if attempt is None:
        return None
    return f"{side.execution_arn}#{attempt.scheduled_id}"


def _ended(side: Side, attempt: Attempt | None) -> str | None:
    if attempt is None or not attempt.event_ids:
        return None
    return f"{side.execution_arn}#{attempt.event_ids[-1]}"


def _try_pieces(attempt: Attempt | None, seconds: float | None) -> tuple[Piece, ...]:
    if attempt is None:
        return _NONE
    glyph, tone = status_tone(attempt.status)
    word = status_word(attempt.status)
    if attempt.error:
        word = clean(attempt.error, NAME)
    length = f"  {duration(seconds)}" if seconds is not None else ""
    return ((f"{glyph} {word}", tone), (length, Tone.DIM))


# -- calls ---------------------------------------------------------------------------


def _calls(comparison: Comparison, tried: TryPair, call: CallPair) -> Detail:
    known = comparison.calls_compared
    errors = [
        frozenset(code for code, _ in tally.errors)
        if tally is not None
        else frozenset()
        for tally in (call.a, call.b)
    ]
    number = f" (try {tried.number})" if tried.number > 1 else ""
    return Detail(
        label=f"{clean(call.name, NAME)}{number}",
        a=_tally_pieces(call, call.a, known=known, made=tried.a is not None),
        b=_tally_pieces(call, call.b, known=known, made=tried.b is not None),
        differs=known and errors[0] != errors[1],
        key_a=f"call#{call.a.first}" if call.a is not None else None,
        key_b=f"call#{call.b.first}" if call.b is not None else None,
        minor=call.role is CallRole.ACTION and not any(errors),
    )


def _tally_pieces(
    call: CallPair, tally: CallTally | None, *, known: bool, made: bool
) -> tuple[Piece, ...]:
    if tally is None:
        # An action was made, or the try would have failed: it is only not told of.
        unknown = not known or (made and call.role is CallRole.ACTION)
        return _NOT_KNOWN if unknown else _NONE
    if call.role is CallRole.POLL:
        thing = "poll" if tally.count == 1 else "polls"
        words = f"{tally.count:,} {thing}"
    else:
        words = "once" if tally.count == 1 else f"{tally.count:,} times"
    pieces: list[Piece] = [(words, Tone.PLAIN)]
    for code, count in tally.errors:
        # What was refused comes first: it is what must not be cut.
        many = f"{count:,} " if count < tally.count else ""
        pieces.append((f" ✘ {many}{clean(code, NAME)}", Tone.BAD))
    if tally.interval:
        pieces.append((f", every {tally.interval:.0f} s", Tone.DIM))
    if tally.guessed:
        pieces.append(("  ~ guessed", Tone.GUESS))
    return tuple(pieces)


# -- who noticed ---------------------------------------------------------------------

_HOW = {
    (By.EVENT, True): " by event",
    (By.POLL, True): " by a poll",
    (By.POLL, False): " by poll or event",
}


def _notice(comparison: Comparison, tried: TryPair) -> Detail:
    a, b = tried.noticed_a, tried.noticed_b
    return Detail(
        label="end noticed",
        a=_notice_pieces(tried.a, a),
        b=_notice_pieces(tried.b, b),
        key_a=_ended(comparison.a, tried.a),
        key_b=_ended(comparison.b, tried.b),
        change=Change(
            a.seconds if a is not None else None, b.seconds if b is not None else None
        ),
    )


def _notice_pieces(attempt: Attempt | None, told: Notice | None) -> tuple[Piece, ...]:
    if told is None:
        waits = attempt is not None and attempt.pattern is Pattern.SYNC
        return _NOT_KNOWN if waits else _NONE
    how = _HOW.get((told.by, told.certain), "")
    return ((f"{told.seconds:.1f} s late{how}", Tone.GUESS),)


# -- where the time went -------------------------------------------------------------


def _parts(pair: Pair) -> Iterator[Detail]:
    """Tell of what took longer or less; alone it says no more than the whole."""
    if len(pair.parts) < 2:  # noqa: PLR2004
        return
    for part, change in pair.parts.items():
        told = change.difference is not None and not change.near
        if told and part not in {Part.AROUND, Part.NOTICING}:
            yield Detail(str(part), _length(change.a), _length(change.b), change=change)


def _length(seconds: float | None) -> tuple[Piece, ...]:
    return ((duration(seconds or 0.0), Tone.PLAIN),)
