"""The help: all keys and all signs."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import ClassVar

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen

from sfnwatch.tui.actions import Group, entries
from sfnwatch.tui.minimap import SIGNS
from sfnwatch.tui.rows import Rows
from sfnwatch.tui.spans import STYLE_NAMES, Span, flow, margined, pad

_KEY_CELLS = 16
"""Most cells of the column of signs and keys; a longer one moves its own words
aside."""
_TWO_COLUMNS_FROM = 92
"""From this many cells on there are two columns."""
HelpTable = Sequence[tuple[str, str, str]]
"""Signs or keys, their looks, and what they mean."""
_MARKS: HelpTable = (
    ("┃", "role--busy", "a state that works; gray ╎ waits, amber ┋ backs off"),
    ("┃", "role--event", "its job had stopped, and Step Functions did not know yet"),
    ("│", "rail--container", "a Map or Parallel, around the states in it"),
    ("●", "role--busy", "instant state"),
    ("▸ ▾ ⋯", "role--fold", "folded, open, polls left out: enter opens and closes"),
    ("⋮ 2m 14s", "look--faint", "no activity for this long"),
    ("── ▶", "role--exact", "this transition certainly made that call"),
    ("┄┄ ▷", "role--guess", "it probably did: the match is likely, or a guess"),
    ("◀━━ event", "role--event", "how Step Functions learned that the job had stopped"),
    ("✔ ✘ ◷ ■ ↷", "role--name", "succeeded, failed, timed out, aborted, caught"),
)
_RULES: HelpTable = (
    ("= request ID", "role--exact", "exact: the same request ID on both sides"),
    ("= session", "role--exact", "exact: the cause names the call's role session"),
    ("= task ARN, …", "role--exact", "exact: the call names the job of this state"),
    ("≈ …", "role--exact", "strong: nobody else can have made it"),
    ("~ …", "role--guess", "likely: another execution could have made it"),
    ("? role, action …", "role--guess", "a guess: nothing else tells whose it is"),
    ("? one of n", "role--guess", "ambiguous: several could have made it"),
    ("same role, …", "role--dim", "made by the execution's role; no task matches"),
)
_COVERAGE = (
    "CloudTrail delivers minutes late and out of order. Up to that time all calls are "
    "believed to be here: an estimate, measured in this account. Beyond it a missing "
    "call means nothing; up to it, it means there was none. Calls have whole seconds, "
    "transitions milliseconds."
)
_CLOCKS = (
    "Arrival time: each record at the moment it reached sfnwatch, so CloudTrail's come "
    "minutes late. Event time: each at its own time, as nobody saw it. With idle time "
    "squeezed no gap takes more than a second; a loop rests at its end."
)
_COLUMNS = (
    "Where the width allows each execution has its own column, else each line says by "
    "a chip whose it is. Aligned at their starts, times count from each start."
)
_TEXTS = (
    ("CloudTrail complete up to …", _COVERAGE),
    ("The two clocks", _CLOCKS),
    ("Several executions", _COLUMNS),
)


class Help(ModalScreen[None]):
    """All keys and signs, shown over the screen."""

    COMPONENT_CLASSES: ClassVar[set[str]] = set(STYLE_NAMES)

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,f1,enter", "dismiss", "Close"),
        Binding("j", "scroll(1)", "Down", show=False),
        Binding("k", "scroll(-1)", "Up", show=False),
    ]

    def __init__(
        self, groups: Sequence[Group], keys: Mapping[str, tuple[str, ...]]
    ) -> None:
        """List the actions of `groups` first; `keys` are the user's, by action."""
        super().__init__()
        ranks = {group: rank for rank, group in enumerate(groups)}
        self._entries = sorted(
            entries(keys), key=lambda entry: ranks.get(entry[0], len(ranks))
        )

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="help") as box:
            box.border_title = "Help"
            box.border_subtitle = "j k scroll, escape closes"
            yield Rows(self._laid_out)

    def action_scroll(self, lines: int) -> None:
        self.query_one(VerticalScroll).scroll_relative(y=lines, animate=False)

    def _laid_out(self, width: int) -> list[list[Span]]:
        if width < _TWO_COLUMNS_FROM:
            return [*self._marks(width), *self._keys(width), *self._more(width)]
        half = width // 2 - 2
        first = [*self._marks(half), *self._more(half)]
        pairs = zip_longest(first, self._keys(half), fillvalue=())
        return [[*pad(left, half + 4), *beside] for left, beside in pairs]

    def _keys(self, width: int) -> Iterator[list[Span]]:
        by_group: dict[Group, list[tuple[str, str, str]]] = {}
        for group, keys, does in self._entries:
            row = (keys or "palette", "look--key", does)
            by_group.setdefault(group, []).append(row)
        for group, rows in by_group.items():
            yield from _table(str(group), rows, width)

    def _marks(self, width: int) -> Iterator[list[Span]]:
        yield from _table("Marks", _MARKS, width)
        yield from _table("How a call is matched to its state", _RULES, width)
        player = [(sign, "role--name", means) for sign, means in SIGNS]
        yield from _table("Marks of the player", player, width)

    def _more(self, width: int) -> Iterator[list[Span]]:
        from sfnwatch.view.filter_operators import FILTER_HELP  # noqa: PLC0415

        words = [(word, "look--key", means) for word, means in FILTER_HELP]
        yield from _table("The language of filters", words, width)
        for title, text in _TEXTS:
            yield [Span(title, "role--name")]
            yield from flow([Span(text)], width, width, 12)
            yield []


def _table(title: str, table: HelpTable, width: int) -> Iterator[list[Span]]:
    yield [Span(title, "role--name")]
    longest = max((cell_len(sign) for sign, _, _ in table), default=0)
    cells = min(longest, _KEY_CELLS) + 2
    room = max(1, width - cells)
    for sign, look, means in table:
        first = max(cells, cell_len(sign) + 2)
        rows = flow([Span(means)], room, room, 3)
        yield from margined(rows, first, [Span(sign, look)])
    yield []
