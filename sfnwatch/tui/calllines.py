"""The call log's lines, as pieces: the budget on top, and a line for each request."""

from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import UTC, datetime, tzinfo
from typing import Generic, TypeVar

from msgspec import Struct

from sfnwatch.trace.budget import QUOTAS, Budget, Operation
from sfnwatch.trace.requests import KEPT, Request
from sfnwatch.trace.text import clean, duration
from sfnwatch.trace.words import Piece, Tone
from sfnwatch.tui.cells import pad
from sfnwatch.tui.zones import stamp, zone_name

Pieces = tuple[Piece, ...]
_T = TypeVar("_T")

_LIMIT = 200
_MARGIN = 1
_GAP: Piece = ("  ", Tone.PLAIN)
_REST = 0
"""The size of a column that takes what the others leave."""
_MANY = 0.5
"""From half of what all can keep up, our part is too much not to be noticed."""
_LONG = 32
"""Cells of the longest name, DescribeStateMachineForExecution."""


class Look(Struct, frozen=True):
    """What a line depends on besides what it tells of."""

    zone: tzinfo = UTC
    mask: Callable[[str], str] = str
    executions: bool = False
    """True when there are several to tell apart."""


class Column(Struct, Generic[_T], frozen=True):
    """One column of a table, and between which widths of the table it is shown."""

    title: str
    size: int
    pieces: Callable[[_T, Look], Iterable[Piece]]
    least: int = 0
    below: int = 100_000
    right: bool = False


def table_line(
    columns: Iterable[Column[_T]], of: _T, width: int, look: Look, *, selected: bool
) -> Pieces:
    """Draw one line of a table."""
    shown = _shown(columns, width)
    parts = [(column, tuple(column.pieces(of, look))) for column in shown]
    margin: Piece = ("▌" if selected else " ", Tone.ACTION)
    return (margin, *_in_columns(parts, width - _MARGIN, look))


def table_head(columns: Iterable[Column[_T]], width: int, zone: str) -> Pieces:
    """Name the columns of a table."""
    shown = _shown(columns, width)
    titles = [(c, ((c.title.format(zone=zone), Tone.DIM),)) for c in shown]
    return ((" ", Tone.PLAIN), *_in_columns(titles, width - _MARGIN, Look()))


def _shown(columns: Iterable[Column[_T]], width: int) -> list[Column[_T]]:
    return [column for column in columns if column.least <= width < column.below]


def _in_columns(
    parts: Iterable[tuple[Column[_T], Pieces]], width: int, look: Look
) -> Pieces:
    drawn: list[Piece] = []
    left = width
    for column, pieces in parts:
        size = left if column.size == _REST else min(column.size, left)
        masked = tuple((look.mask(text), tone) for text, tone in pieces)
        drawn += _right(masked, size) if column.right else pad(masked, size)
        drawn.append(_GAP)
        left -= size + len(_GAP[0])
    return pad(drawn[:-1], max(0, width))


def _right(pieces: Pieces, size: int) -> Pieces:
    # To the left of a number there is room for all of it, or it is cut.
    missing = size - sum(len(text) for text, _ in pieces)
    return pad(((" " * max(0, missing), Tone.PLAIN), *pieces), size)


# -- the budget --------------------------------------------------------------------


class Row(Struct, frozen=True):
    """An operation that may be sent, and what was sent of it if anything was."""

    operation: Operation
    budget: Budget | None = None

    @property
    def sent(self) -> int:
        return self.budget.spent.sent if self.budget else 0

    @property
    def share(self) -> float:
        return (self.budget.share if self.budget else None) or 0.0


def budget_rows(
    budgets: Iterable[Budget], allowed: Collection[Operation]
) -> tuple[Row, ...]:
    """List what may be sent, sent or not, and whatever else a recording tells of."""
    known = {(b.spent.service, b.spent.operation): b for b in budgets}
    names = {*known, *allowed}
    return tuple(Row(name, known.get(name)) for name in sorted(names))


def _count(get: Callable[[Budget], int], tone: Tone) -> Callable[..., Iterator[Piece]]:
    def pieces(row: Row, look: Look) -> Iterator[Piece]:
        del look
        count = get(row.budget) if row.budget else 0
        yield (f"{count}", tone if count else Tone.DIM)

    return pieces


def _operation(row: Row, look: Look) -> Iterator[Piece]:
    del look
    service, name = row.operation
    if service not in _OURS:
        yield (f"{clean(service, _LIMIT)} ", Tone.DIM)
    yield (clean(name, _LIMIT), Tone.STRONG if row.sent else Tone.DIM)


_OURS = frozenset(service for service, _ in QUOTAS)


def _bar(size: int) -> Callable[[Row, Look], Iterator[Piece]]:
    def pieces(row: Row, look: Look) -> Iterator[Piece]:
        del look
        yield from bar(row.share, size)

    return pieces


def bar(share: float, size: int) -> Pieces:
    """Draw a part of a whole, to half a cell; what is not nothing is to be seen."""
    halves = min(2 * size, max(round(share * 2 * size), 1 if share > 0 else 0))
    filled = "━" * (halves // 2) + "╸" * (halves % 2)
    return ((filled, _tone(share)), ("─" * (size - len(filled)), Tone.DIM))


def _tone(share: float) -> Tone:
    return Tone.BAD if share >= 1 else Tone.WARN if share >= _MANY else Tone.GOOD


def _rate(row: Row, look: Look) -> Iterator[Piece]:
    del look
    rate = row.budget.rate if row.budget else 0.0
    tone = _tone(row.share) if row.share >= _MANY else Tone.PLAIN
    yield (f"{_number(rate)}/s", tone if rate else Tone.DIM)
    quota = QUOTAS.get(row.operation)
    if quota is not None:
        yield (f" of {quota.refill:g}/s", Tone.DIM)


def _number(rate: float) -> str:
    return f"{rate:.1f}" if rate >= 0.1 else f"{rate:.2f}" if rate else "0"  # noqa: PLR2004


def _percent(row: Row, look: Look) -> Iterator[Piece]:
    del look
    if row.operation in QUOTAS:
        words = "<1%" if 0 < row.share < 0.01 else f"{row.share:.0%}"  # noqa: PLR2004
        yield (words, _tone(row.share) if row.share else Tone.DIM)


def _peak(row: Row, look: Look) -> Iterator[Piece]:
    del look
    if row.budget is not None:
        yield (f"{row.budget.spent.peak}", Tone.PLAIN)


def _last(row: Row, look: Look) -> Iterator[Piece]:
    if row.budget is not None:
        yield (stamp(row.budget.spent.last_at, look.zone, millis=False), Tone.DIM)


def _terms(row: Row, look: Look) -> Iterator[Piece]:
    del look
    quota = QUOTAS.get(row.operation)
    if quota is None:
        yield ("no quota known", Tone.DIM)
        return
    words = "can be raised" if quota.raisable else "can't be raised"
    yield (f"burst {quota.burst}, {words}" if quota.burst else words, Tone.DIM)


_sent = _count(lambda b: b.spent.sent, Tone.PLAIN)
_failed = _count(lambda b: b.spent.failed, Tone.BAD)
_throttled = _count(lambda b: b.spent.throttled, Tone.WARN)
_TINY, _WORDED, _MID, _BARRED, _WIDE = 36, 64, 76, 86, 96
"""Cells of the table from which there is room for: columns, headings in words for all
of them, names in full, a bar, a longer one with its percentage."""
BUDGET: tuple[Column[Row], ...] = (
    Column("", 4, _percent, below=_TINY, right=True),
    Column("operation", _REST, _operation, below=_TINY),
    Column("operation", 20, _operation, least=_TINY, below=_MID),
    Column("operation", _LONG, _operation, least=_MID),
    Column("sent", 5, _sent, least=40, right=True),
    Column("✘", 3, _failed, 48, _WORDED, right=True),
    Column("▲", 3, _throttled, 48, _WORDED, right=True),
    Column("failed", 6, _failed, least=_WORDED, right=True),
    Column("throttled", 9, _throttled, least=_WORDED, right=True),
    Column("share", 6, _bar(6), least=_BARRED, below=_WIDE),
    Column("share", 10, _bar(10), least=_WIDE),
    Column("", 5, _percent, least=_WIDE, right=True),
    Column("last minute", _REST, _rate, _TINY, _WIDE),
    Column("last minute", 15, _rate, least=_WIDE),
    Column("peak/s", 6, _peak, least=104, right=True),
    Column("last", 8, _last, least=114),
    Column("quota", _REST, _terms, least=139),
)


# -- the requests ------------------------------------------------------------------


def _time(millis: bool) -> Callable[[Request, Look], Iterator[Piece]]:  # noqa: FBT001
    def pieces(request: Request, look: Look) -> Iterator[Piece]:
        yield (stamp(request.sent_at, look.zone, millis=millis), Tone.DIM)

    return pieces


def _named(request: Request, look: Look) -> Iterator[Piece]:
    del look
    if request.service not in _OURS:
        yield (f"{clean(request.service, _LIMIT)} ", Tone.DIM)
    yield (clean(request.operation, _LIMIT), Tone.PLAIN)


def _region(request: Request, look: Look) -> Iterator[Piece]:
    del look
    yield (clean(request.region or "", _LIMIT), Tone.DIM)


def _execution(request: Request, look: Look) -> Iterator[Piece]:
    if look.executions:
        arn = request.execution_arn or ""
        yield (clean(arn.rsplit(":", 1)[-1], _LIMIT), Tone.DIM)


def _took(request: Request, look: Look) -> Iterator[Piece]:
    del look
    yield (duration(request.seconds), Tone.PLAIN)


def _items(request: Request, look: Look) -> Iterator[Piece]:
    del look
    if request.items is not None:
        yield (f"{request.items}", Tone.PLAIN if request.items else Tone.DIM)


def _id(request: Request, look: Look) -> Iterator[Piece]:
    del look
    yield (clean(request.request_id or "", _LIMIT), Tone.DIM)


def _outcome(request: Request, look: Look) -> Iterator[Piece]:
    del look
    yield outcome_piece(request)
    if request.note:
        yield (f"  {clean(request.note, _LIMIT)}", Tone.DIM)


def outcome_piece(request: Request) -> Piece:
    """Say what came of a request: a glyph and a word."""
    if request.ok:
        return ("✔ ok", Tone.GOOD)
    if request.throttled:
        return ("▲ throttled", Tone.WARN)
    return (f"✘ {clean(request.outcome, _LIMIT)}", Tone.BAD)


def _glyph(request: Request, look: Look) -> Iterator[Piece]:
    del look
    text, tone = outcome_piece(request)
    yield (text[0], tone)


_SMALL = 52
REQUESTS: tuple[Column[Request], ...] = (
    Column("{zone}", 8, _time(millis=False), least=_TINY, below=56),
    Column("{zone}", 12, _time(millis=True), least=56),
    Column("", 1, _glyph, below=_SMALL),
    Column("operation", _REST, _named, below=_SMALL),
    Column("operation", 20, _named, least=_SMALL, below=100),
    Column("operation", _LONG, _named, least=100),
    Column("Region", 14, _region, least=110),
    Column("execution", 24, _execution, least=170),
    Column("took", 7, _took, least=64, right=True),
    Column("items", 5, _items, least=72, right=True),
    Column("request id", 36, _id, least=150),
    Column("outcome", _REST, _outcome, least=_SMALL),
)


# -- words -------------------------------------------------------------------------


def promise(
    allowed: Collection[Operation], *, others: bool, count: int, replaying: bool
) -> Pieces:
    """Say in a line what sfnwatch may send, and how much it has sent so far."""
    words = f": it can send {len(allowed)} operations, no other"
    words += " but for its login." if others else "."
    told = f"  {count} request{'s' if count != 1 else ''}" if count else ""
    if count >= KEPT:
        told = f"  the newest {KEPT} requests"
    if told and replaying:
        told += " while recording; replay sends none"
    return (
        (" sfnwatch only reads", Tone.STRONG),
        (words, Tone.PLAIN),
        (told, Tone.DIM),
    )


def nothing(*, replaying: bool) -> Pieces:
    """Say why there is no request to show."""
    if replaying:
        words = "Replay sends no request."
        more = " This recording does not tell of those made for it."
    else:
        words, more = "Nothing asked yet.", ""
    return ((f" {words}", Tone.PLAIN), (more, Tone.DIM))


def zone_title(zone: tzinfo, at: datetime) -> str:
    """Name the zone of the column of times."""
    return clean(zone_name(zone, at), 8)
