"""The help screen: keys, those of the pane it was asked from first, and marks."""

from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar

from rich.console import Group, RenderableType
from rich.table import Table
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen

from sfnwatch.trace.filters import FILTER_HELP
from sfnwatch.trace.words import Tone
from sfnwatch.tui.actions import Group as Actions
from sfnwatch.tui.gantt import TIMELINE_SIGNS
from sfnwatch.tui.scrubber_map import SCRUBBER_SIGNS
from sfnwatch.tui.toned import Toned

Entry = tuple[Actions, str, str]
"""What a key is about, keys, and what they do."""

_COLUMN = 16
_SIGNS: tuple[tuple[str, Tone, str], ...] = (
    ("┌ │ └  ┏ ┃", Tone.DIM, "a state, entered to exited; heavy while it runs"),
    ("●", Tone.PLAIN, "a state passed at once"),
    ("▸ ▾ ⋯", Tone.ACTION, "folded, open, polls left out: enter opens and closes"),
    ("⋮ 2m 14s", Tone.DIM, "so long nothing happened"),
    ("⟳ backing off", Tone.DIM, "so long the next try was waited for"),
    ("┄ complete to ┄", Tone.DIM, "up to here CloudTrail is believed complete"),
    ("── time ──▶", Tone.EXACT, "this transition made that call: an id proves it"),
    ("┄┄ time ┄┄▷", Tone.GUESS, "probably: role, action and time fit nothing else"),
    ("?  ·", Tone.DIM, "before a call: several states fit, or none"),
    ("◀──", Tone.EXACT, "what told Step Functions that the job was over"),
    ("✔ ✘ ◷ ■ ↷", Tone.PLAIN, "succeeded, failed, timed out, aborted, caught"),
)
_RULES: tuple[tuple[str, Tone, str], ...] = (
    ("= request id", Tone.EXACT, "exact: the same request id on both sides"),
    ("= task ARN, …", Tone.EXACT, "exact: the call names the job this state started"),
    ("~ role + …", Tone.GUESS, "a guess: only one state could have made it"),
    ("? n candidates", Tone.GUESS, "several states could have made it: no arrow"),
    ("role only", Tone.DIM, "made by the execution's role; no state fits"),
)
_COLUMNS: tuple[tuple[str, Tone, str], ...] = (
    ("=  ~  ✘", Tone.PLAIN, "before a call in a column: proven, a guess, failed"),
    ("by event, 1.9 s", Tone.PLAIN, "what told of the job's end, and how much later"),
    ("of no one …", Tone.DIM, "across all columns: more than one could have made it"),
)
_SEVERAL = (
    "Where the width allows each execution has its own column, and what is of one "
    "second shares a line; else each row says whose it is. With all starts put "
    "together times count from each start, here and on the timeline; what is of no "
    "one execution counts from the first. The player keeps to the time of day."
)
_CLOUDTRAIL = (
    "CloudTrail delivers minutes late and out of order. “complete to” is the time up "
    "to which all calls are believed to be here: an estimate, measured in this "
    "account. Beyond it a missing call means nothing; up to it, it means there was "
    "none. Calls have whole seconds, transitions milliseconds."
)
_CLOCKS = (
    "As it was seen: each record at the moment it reached sfnwatch, so CloudTrail's "
    "come minutes late. As it happened: each at its own time, as nobody saw it. With "
    "idle time squeezed no gap takes more than a second; a loop rests at its end."
)


class Help(ModalScreen[None]):
    """All keys and signs, over what was shown."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,f1,enter", "dismiss", "Close"),
        Binding("j", "scroll(1)", "Down", show=False),
        Binding("k", "scroll(-1)", "Up", show=False),
    ]

    def __init__(
        self,
        entries: Iterable[Entry],
        *,
        first: Sequence[Actions] = (),
        recording: str | None = None,
        several: bool = False,
    ) -> None:
        super().__init__()
        told = tuple(in_order(entries, first))
        self._text = HelpText(told, recording, several=several)

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="help") as box:
            box.border_title = "Help"
            box.border_subtitle = "j k scroll, escape closes"
            yield self._text

    def action_scroll(self, lines: int) -> None:
        self.query_one(VerticalScroll).scroll_relative(y=lines, animate=False)


def in_order(entries: Iterable[Entry], first: Sequence[Actions]) -> Iterator[Entry]:
    """Put the groups that matter where help was asked for before the others."""
    rank = {group: place for place, group in enumerate(first)}
    yield from sorted(entries, key=lambda entry: rank.get(entry[0], len(rank)))


class HelpText(Toned):
    """The text of the help screen."""

    def __init__(
        self, entries: tuple[Entry, ...], recording: str | None, *, several: bool
    ) -> None:
        super().__init__()
        self._entries = entries
        self._recording = recording
        self._several = several

    def render(self) -> RenderableType:
        parts: list[RenderableType] = []
        for title, signs in self._tables():
            parts += [self.text(title, Tone.STRONG), self._table(signs), ""]
        for title, words in (
            *((("Several executions", _SEVERAL),) if self._several else ()),
            ("What “complete to” means", _CLOUDTRAIL),
            ("The two clocks", _CLOCKS),
        ):
            parts += [self.text(title, Tone.STRONG), self.text(words, Tone.PLAIN), ""]
        if self._recording is not None:
            parts.append(self.text(f"Recorded in {self._recording}", Tone.PLAIN))
        return Group(*parts)

    def _tables(self) -> Iterator[tuple[str, Iterable[tuple[str, Tone, str]]]]:
        for group in dict.fromkeys(group for group, _, _ in self._entries):
            yield (
                str(group),
                [
                    (keys or "palette", Tone.ACTION, does)
                    for about, keys, does in self._entries
                    if about is group
                ],
            )
        yield "Marks", _SIGNS
        for title, signs in (
            ("Marks of the timeline", TIMELINE_SIGNS),
            ("Marks of the player", SCRUBBER_SIGNS),
        ):
            yield title, [(sign, Tone.PLAIN, means) for sign, means in signs]
        yield "How a call is tied", _RULES
        if self._several:
            yield "Marks of several executions", _COLUMNS
        filters = [(token, Tone.ACTION, does) for token, does in FILTER_HELP]
        yield "The language of filters", filters

    def _table(self, signs: Iterable[tuple[str, Tone, str]]) -> Table:
        table = Table.grid(padding=(0, 2))
        table.add_column(min_width=_COLUMN)
        table.add_column()
        for sign, tone, means in signs:
            table.add_row(self.text(sign, tone), self.text(means, Tone.PLAIN))
        return table
