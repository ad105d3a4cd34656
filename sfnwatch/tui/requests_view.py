"""What sfnwatch itself asked of AWS, and its share of the account's quotas.

The budget stays on top; below it are the requests, the newest last.
"""

from collections.abc import Iterator, Sequence

from sfnwatch.model.own_requests import QUOTAS, Budget, Operation, Request, budget
from sfnwatch.model.texts import clean
from sfnwatch.model.times import duration
from sfnwatch.tui.columns import Cells, heads, in_columns
from sfnwatch.tui.cursor_list import CursorList
from sfnwatch.tui.entry_list import EntryList
from sfnwatch.tui.screen_state import ScreenState
from sfnwatch.tui.spans import Span, SpanRow, percent
from sfnwatch.tui.views import HeadedView
from sfnwatch.view.parts import counted

_MOST_CHARACTERS = 200
"""Characters of a name that are shown."""
_LARGE_SHARE = 0.5
"""The share of a quota, which others use too, from which on it is highlighted."""
_BAR_CELLS = 10
_OURS = frozenset(service for service, _ in QUOTAS)
"""The services whose operations are named without them."""
_TIME_CELLS = 12
_NUMBERS_FROM = 40
"""From this width on numbers are shown."""
_NAMES_FROM = 76
"""From this width on names are shown in full."""
_ALL_FROM = 104
"""From this width on the Region is shown; the request ID needs more."""
_BUDGET = (
    Cells("operation", 32),
    Cells("sent", 6, _NUMBERS_FROM, right=True),
    Cells("failed", 6, _NAMES_FROM - 8, right=True),
    Cells("throttled", 9, _NAMES_FROM, right=True),
    Cells("share of the quota", 18, _NAMES_FROM + 10),
    Cells("last minute", 15, _NUMBERS_FROM + 16),
)
_REQUESTS = (
    Cells("operation", 32),
    Cells("Region", 14, _ALL_FROM),
    Cells("took", 7, _NAMES_FROM - 8, right=True),
    Cells("items", 5, _NAMES_FROM, right=True),
    Cells("request ID", 36, _ALL_FROM + 46),
    Cells("outcome", 22, 56),
    Cells("for", 0, _NAMES_FROM + 38),
)


class RequestsView(HeadedView):
    """The budget, and a list of the requests."""

    def __init__(self, screen_state: ScreenState) -> None:
        nothing = "No request is known of so far."
        self.list: EntryList[Request] = EntryList(self._rows, nothing)
        self.list.set_reactive(CursorList.follow, True)
        super().__init__(screen_state, self.list)

    @property
    def selected_key(self) -> str | None:
        return self.list.selected_key

    def show(self) -> None:
        """Show the requests sent by now, and the current rates."""
        screen_state = self._screen_state
        if self.is_other(screen_state.version, screen_state.looks):
            self.list.entries = screen_state.snapshot.requests
            self.list.changed()
        if self.width > 0:
            self.head.show(*self._head_rows(self.width))

    def _head_rows(self, width: int) -> Iterator[SpanRow]:
        """Yield the operations that may be sent, and how often each was."""
        screen_state = self._screen_state
        yield self._promise()
        yield _indented(heads(_BUDGET, width - 1))
        budgets: dict[Operation, Budget] = {}
        for operation in screen_state.session.allowed:
            budgets[operation] = Budget(quota=QUOTAS.get(operation))
        budgets |= budget(self.list.entries, screen_state.now)

        def most_used_first(operation: Operation) -> tuple[object, ...]:
            own = budgets[operation]
            return -(own.share or 0), -own.sent, operation

        operations = sorted(budgets, key=most_used_first)
        room = max(1, self.size.height // 2 - 3)
        for operation in sorted(operations[:room]):
            cells = _budget_cells(operation, budgets[operation])
            yield _indented(in_columns(_BUDGET, cells, width - 1))
        zone = screen_state.looks.zone(screen_state.now)
        columns = (Cells(zone, _TIME_CELLS, _NUMBERS_FROM), *_REQUESTS)
        yield _indented(heads(columns, width - 1))

    def _promise(self) -> SpanRow:
        """Return what sfnwatch may send, and how many requests are listed."""
        allowed = len(self._screen_state.session.allowed)
        words = "."
        if allowed:
            words = f": it can send {allowed} operations, or log in."
        sent = counted(len(self.list.entries), "request")
        if self._screen_state.playback.replay:
            sent += "; replay sends none"
        return [
            Span(" sfnwatch only reads", "role--name"),
            Span(words),
            Span(f"  {sent}", "role--dim"),
        ]

    def _rows(self, request: Request, width: int) -> Sequence[Sequence[Span]]:
        time = self._screen_state.looks.time_of_day(request.sent_at)
        name = _name((request.service, request.operation))
        items = "" if request.items is None else str(request.items)
        cells = (
            Span(time, "role--dim"),
            Span(name),
            Span(self._masked(request.region), "role--dim"),
            Span(duration(request.seconds)),
            Span(items),
            Span(self._masked(request.request_id), "role--dim"),
            outcome_span(request),
            Span(self._masked(request.note), "role--dim"),
        )
        columns = (Cells("", _TIME_CELLS, _NUMBERS_FROM), *_REQUESTS)
        return [_indented(in_columns(columns, cells, width - 1))]

    def _masked(self, text: str | None) -> str:
        return self.mask(clean(text or "", _MOST_CHARACTERS))


def _budget_cells(operation: Operation, own: Budget) -> list[Span]:
    share = own.share or 0.0
    bar_look = "look--faint"
    rate_look = "role--dim"
    if share >= _LARGE_SHARE:
        bar_look = "role--bad" if share >= 1 else "role--warn"
        rate_look = bar_look
    elif share:
        bar_look = "look--bar"
    look = "role--plain" if own.sent else "look--faint"
    return [
        Span(_name(operation), look),
        Span(f"{own.sent:,}", look),
        Span(f"{own.failed:,}", "role--bad" if own.failed else "look--faint"),
        Span(f"{own.throttled:,}", "role--warn" if own.throttled else "look--faint"),
        Span(_share_bar(share) if own.quota else "", bar_look),
        Span(_rate(own), rate_look),
    ]


def outcome_span(request: Request) -> Span:
    """Return a request's outcome: a glyph and a word."""
    if request.ok:
        return Span("✔ ok", "role--good")
    if request.throttled:
        return Span("▲ throttled", "role--warn")
    return Span(f"✘ {clean(request.outcome, _MOST_CHARACTERS)}", "role--bad")


def _indented(spans: Sequence[Span]) -> SpanRow:
    return [Span(" "), *spans]


def _name(operation: Operation) -> str:
    service, name = operation
    if service not in _OURS:
        name = f"{service} {name}"
    return clean(name, _MOST_CHARACTERS)


def _share_bar(share: float) -> str:
    filled = min(_BAR_CELLS, round(_BAR_CELLS * share))
    if share > 0:
        filled = max(1, filled)
    rest = "─" * (_BAR_CELLS - filled)
    return f"{'━' * filled}{rest} {percent(share)}"


def _rate(own: Budget) -> str:
    """Return the requests in a second: `0.25/s of 2/s`."""
    rate = f"{own.rate:.2g}/s"
    return rate if own.quota is None else f"{rate} of {own.quota:g}/s"
