"""The help screen: every key, from the bindings themselves, and what the signs mean."""

from collections.abc import Iterable, Iterator
from typing import ClassVar

from rich.console import Group, RenderableType
from rich.table import Table
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen

from sfnwatch.trace.words import Tone
from sfnwatch.tui.toned import Toned

Entry = tuple[str, str]
"""Keys, and what they do."""

_COLUMN = 16
_KEY_NAMES = {"question_mark": "?", "pageup": "page up", "pagedown": "page down"}
_SIGNS: tuple[tuple[str, Tone, str], ...] = (
    ("┌ │ └  ┏ ┃", Tone.DIM, "a state, entered to exited; heavy while it runs"),
    ("●", Tone.PLAIN, "a state passed at once"),
    ("── time ──▶", Tone.EXACT, "this transition made that call: an id proves it"),
    ("┄┄ time ┄┄▷", Tone.GUESS, "probably: role, action and time fit nothing else"),
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
_CLOUDTRAIL = (
    "CloudTrail delivers minutes late and out of order. “complete to” is the time up "
    "to which all calls are believed to be here: an estimate, measured in this "
    "account. Beyond it a missing call means nothing; up to it, it means there was "
    "none. Calls have whole seconds, transitions milliseconds; all times are UTC."
)


def key_entries(bindings: Iterable[BindingType]) -> Iterator[Entry]:
    """List bindings as people read them, all the keys of one action together."""
    keys: dict[str, list[str]] = {}
    for binding in bindings:
        if isinstance(binding, Binding) and binding.description:
            keys.setdefault(binding.description, []).extend(binding.key.split(","))
    for description, names in keys.items():
        yield " ".join(_KEY_NAMES.get(name, name) for name in names), description


class Help(ModalScreen[None]):
    """All keys and signs, over the lanes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,f1", "dismiss", "Close"),
        Binding("j", "scroll(1)", "Down", show=False),
        Binding("k", "scroll(-1)", "Up", show=False),
    ]

    def __init__(self, entries: Iterable[Entry], recording: str | None) -> None:
        super().__init__()
        self._entries = tuple(entries)
        self._recording = recording

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="help"):
            yield HelpText(self._entries, self._recording)

    def action_scroll(self, lines: int) -> None:
        self.query_one(VerticalScroll).scroll_relative(y=lines, animate=False)


class HelpText(Toned):
    """The text of the help screen."""

    def __init__(self, entries: tuple[Entry, ...], recording: str | None) -> None:
        super().__init__()
        self._entries = entries
        self._recording = recording

    def render(self) -> RenderableType:
        parts: list[RenderableType] = []
        keys = [(keys, Tone.ACTION, does) for keys, does in self._entries]
        for title, signs in (
            ("Keys", keys),
            ("Signs", _SIGNS),
            ("How a call is tied", _RULES),
        ):
            parts += [self.text(title, Tone.STRONG), self._table(signs), ""]
        parts.append(self.text("What “complete to” means", Tone.STRONG))
        parts.append(self.text(_CLOUDTRAIL, Tone.PLAIN))
        if self._recording is not None:
            parts += ["", self.text(f"Recorded in {self._recording}", Tone.PLAIN)]
        return Group(*parts)

    def _table(self, signs: Iterable[tuple[str, Tone, str]]) -> Table:
        table = Table.grid(padding=(0, 2))
        table.add_column(min_width=_COLUMN)
        table.add_column()
        for sign, tone, means in signs:
            table.add_row(self.text(sign, tone), self.text(means, Tone.PLAIN))
        return table
