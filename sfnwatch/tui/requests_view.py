"""What sfnwatch itself asked of AWS, and how much of the account's quotas that takes.

The budget stays on top; below it the requests, the newest last.
"""

from collections.abc import Iterable, Iterator, Sequence

from sfnwatch.model.records import KEPT, QUOTAS, Budget, Operation, Request, budget
from sfnwatch.model.values import clean, duration
from sfnwatch.tui.deck import HeadedView
from sfnwatch.tui.paint import Cells, Span, heads, in_columns, percent
from sfnwatch.tui.shown import CursorList, EntryList, Shown
from sfnwatch.view.wording import counted

_LIMIT = 200
_MUCH = 0.5
"""From half of what all can keep up, our part is too much not to be noticed."""
_OURS = frozenset(service for service, _ in QUOTAS)
_TINY, _MID, _WIDE = 40, 76, 104
"""Widths from which there is room for numbers, for names in full, and for all."""
_BUDGET = (
    Cells("operation", 32),
    Cells("sent", 6, _TINY, right=True),
    Cells("failed", 6, _MID - 8, right=True),
    Cells("throttled", 9, _MID, right=True),
    Cells("share of the quota", 18, _MID + 10),
    Cells("last minute", 15, _TINY + 16),
    Cells("peak/s", 6, _WIDE, right=True),
    Cells("last", 8, _WIDE + 10),
    Cells("quota", 0, _WIDE + 38),
)
_REQUESTS = (
    Cells("operation", 32),
    Cells("Region", 14, _WIDE),
    Cells("took", 7, _MID - 8, right=True),
    Cells("items", 5, _MID, right=True),
    Cells("request ID", 36, _WIDE + 46),
    Cells("outcome", 22, 56),
    Cells("for", 0, _MID + 38),
)


_NOTHING = "Nothing asked yet."
_UNTOLD = "This recording does not tell of the requests made for it."


class RequestsView(HeadedView):
    """The budget, and the requests with a cursor."""

    def __init__(self, shown: Shown) -> None:
        self.list: EntryList[Request] = EntryList(self._rows, _NOTHING)
        self.list.set_reactive(CursorList.follow, True)
        super().__init__(shown, self.list)

    @property
    def selected_key(self) -> str | None:
        return self.list.selected_key

    def show(self) -> None:
        """Show what was sent by now, and how the rates stand."""
        shown = self._shown
        if self.is_other(shown.version, shown.looks):
            self.list.entries = shown.moment.requests
            is_untold = shown.playback.replay and not shown.trace.requests
            self.list.nothing = _UNTOLD if is_untold else _NOTHING
            self.list.changed()
        if self.width > 0:
            self.head.show(*self._told(self.width))

    def _told(self, width: int) -> Iterator[list[Span]]:
        """Say what may be sent, and of each operation how much was."""
        shown = self._shown
        known = budget(self.list.entries, shown.now)
        yield list(self._promise(known))
        yield _indented(heads(_BUDGET, width - 1))
        names = sorted({*known, *shown.session.allowed})
        names.sort(key=lambda each: -(known[each].share or 0) if each in known else 1)
        for name in sorted(names[: max(1, self.size.height // 2 - 3)]):
            cells = self._budget_cells(name, known.get(name))
            yield _indented(in_columns(_BUDGET, cells, width - 1))
        zone = Cells(shown.looks.zone(shown.now), 12, _TINY)
        yield _indented(heads((zone, *_REQUESTS), width - 1))

    def _promise(self, known: Iterable[Operation]) -> Iterator[Span]:
        """Say in a line what sfnwatch may send, and how much it has sent so far."""
        allowed, count = self._shown.session.allowed, len(self.list.entries)
        yield Span(" sfnwatch only reads", "role--name")
        others = any(name not in allowed for name in known) and bool(allowed)
        words = f": it can send {len(allowed)} operations, no other" if allowed else ""
        yield Span(f"{words}{' but for its login' if others else ''}.")
        told = f"  {counted(count, 'request')}" if count else ""
        if count >= KEPT:
            told = f"  the newest {KEPT:,} requests"
        if self._shown.playback.replay:
            told += f"{' while recording;' if told else ' '} replay sends none"
        yield Span(told, "role--dim")

    def _budget_cells(self, operation: Operation, told: Budget | None) -> list[Span]:
        quota, share = QUOTAS.get(operation), (told.share if told else None) or 0.0
        alarm = "role--bad" if share >= 1 else "role--warn"
        look = "look--bar" if share < _MUCH else alarm
        plain = "role--plain" if told else "look--faint"
        failed, throttled = (told.failed, told.throttled) if told else (0, 0)
        at = self._shown.looks.time_of_day(told.last_at, whole=True) if told else ""
        words = "no quota known"
        if quota is not None:
            can = "can be raised" if quota.raisable else "can't be raised"
            words = f"burst {quota.burst}, {can}" if quota.burst else can
        return [
            Span(_name(operation), plain),
            Span(f"{told.sent if told else 0:,}", plain),
            Span(f"{failed:,}", "role--bad" if failed else "look--faint"),
            Span(f"{throttled:,}", "role--warn" if throttled else "look--faint"),
            Span(_bar(share) if quota else "", look if share else "look--faint"),
            Span(_rate(operation, told), look if share >= _MUCH else "role--dim"),
            Span(f"{told.peak}" if told else ""),
            Span(at, "role--dim"),
            Span(words, "role--dim"),
        ]

    def _rows(self, request: Request, width: int) -> Sequence[Sequence[Span]]:
        looks = self._shown.looks
        cells = (
            Span(looks.time_of_day(request.sent_at), "role--dim"),
            Span(_name((request.service, request.operation))),
            Span(looks.mask(clean(request.region or "", _LIMIT)), "role--dim"),
            Span(duration(request.seconds)),
            Span("" if request.items is None else f"{request.items}"),
            Span(looks.mask(clean(request.request_id or "", _LIMIT)), "role--dim"),
            outcome_span(request),
            Span(looks.mask(clean(request.note, _LIMIT)), "role--dim"),
        )
        columns = (Cells("", 12, _TINY), *_REQUESTS)
        return [_indented(in_columns(columns, cells, width - 1))]


def outcome_span(request: Request) -> Span:
    """Say what came of a request: a glyph and a word."""
    if request.ok:
        return Span("✔ ok", "role--good")
    if request.throttled:
        return Span("▲ throttled", "role--warn")
    return Span(f"✘ {clean(request.outcome, _LIMIT)}", "role--bad")


def _indented(spans: Sequence[Span]) -> list[Span]:
    return [Span(" "), *spans]


def _name(operation: Operation) -> str:
    service, name = operation
    return clean(name if service in _OURS else f"{service} {name}", _LIMIT)


def _bar(share: float) -> str:
    filled = min(10, max(round(10 * share), 1 if share > 0 else 0))
    return f"{'━' * filled}{'─' * (10 - filled)} {percent(share)}"


def _rate(operation: Operation, told: Budget | None) -> str:
    """Say how many a second there were: `0.25/s of 2/s`."""
    rate, quota = told.rate if told else 0.0, QUOTAS.get(operation)
    rated = f"{rate:.1f}" if rate >= 0.1 else f"{rate:.2f}" if rate else "0"  # noqa: PLR2004
    return f"{rated}/s of {quota.refill:g}/s" if quota is not None else f"{rated}/s"
