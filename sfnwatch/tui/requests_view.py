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
from sfnwatch.tui.spans import Span, percent
from sfnwatch.tui.views import HeadedView
from sfnwatch.view.parts import counted

_LIMIT = 200
_MUCH = 0.5
"""The share of a quota, which others use too, from which on it is highlighted."""
_OURS = frozenset(service for service, _ in QUOTAS)
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
            self.head.show(*self._told(self.width))

    def _told(self, width: int) -> Iterator[list[Span]]:
        """Yield the operations that may be sent, and how often each was."""
        screen_state = self._screen_state
        yield list(self._promise())
        yield _indented(heads(_BUDGET, width - 1))
        told = {
            each: Budget(quota=QUOTAS.get(each))
            for each in screen_state.session.allowed
        }
        told |= budget(self.list.entries, screen_state.now)
        names = sorted(told, key=lambda n: (-(told[n].share or 0), -told[n].sent, n))
        for name in sorted(names[: max(1, self.size.height // 2 - 3)]):
            cells = _budget_cells(name, told[name])
            yield _indented(in_columns(_BUDGET, cells, width - 1))
        zone = Cells(screen_state.looks.zone(screen_state.now), 12, _NUMBERS_FROM)
        yield _indented(heads((zone, *_REQUESTS), width - 1))

    def _promise(self) -> Iterator[Span]:
        """Yield what sfnwatch may send, and how many requests are listed."""
        allowed = len(self._screen_state.session.allowed)
        yield Span(" sfnwatch only reads", "role--name")
        words = f": it can send {allowed} operations, or log in"
        yield Span(f"{words if allowed else ''}.")
        told = f"  {counted(len(self.list.entries), 'request')}"
        none = "; replay sends none" if self._screen_state.playback.replay else ""
        yield Span(f"{told}{none}", "role--dim")

    def _rows(self, request: Request, width: int) -> Sequence[Sequence[Span]]:
        looks = self._screen_state.looks
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
        columns = (Cells("", 12, _NUMBERS_FROM), *_REQUESTS)
        return [_indented(in_columns(columns, cells, width - 1))]


def _budget_cells(operation: Operation, told: Budget) -> list[Span]:
    share = told.share or 0.0
    alarm = "role--bad" if share >= 1 else "role--warn"
    look = "look--bar" if share < _MUCH else alarm
    plain = "role--plain" if told.sent else "look--faint"
    return [
        Span(_name(operation), plain),
        Span(f"{told.sent:,}", plain),
        Span(f"{told.failed:,}", "role--bad" if told.failed else "look--faint"),
        Span(f"{told.throttled:,}", "role--warn" if told.throttled else "look--faint"),
        Span(_bar(share) if told.quota else "", look if share else "look--faint"),
        Span(_rate(told), look if share >= _MUCH else "role--dim"),
    ]


def outcome_span(request: Request) -> Span:
    """Return a request's outcome: a glyph and a word."""
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


def _rate(told: Budget) -> str:
    """Return the requests in a second: `0.25/s of 2/s`."""
    of = f" of {told.quota:g}/s" if told.quota is not None else ""
    return f"{told.rate:.2g}/s{of}"
