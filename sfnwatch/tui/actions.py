"""All actions, in one list: keys, footer, help and palette are made from it.

An action that is not in the list cannot be done. README's table of keys is made from it
too.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum

from msgspec import Struct
from textual.binding import Binding, BindingType
from textual.keys import format_key

from sfnwatch.config.key_maps import ConfigKeys
from sfnwatch.config.key_names import key_name
from sfnwatch.config.mistakes import near, quoted
from sfnwatch.errors import UsageError

Command = Callable[[], object]
"""Does an action."""


class Group(StrEnum):
    """The groups of actions, in the order in which help lists them."""

    PLAYER = "Player"
    MOVE = "Move"
    VIEWS = "Views"
    LANES = "Lanes"
    TIMELINE = "Timeline"
    DETAIL = "Detail"
    EXPLAIN = "Explain"
    COMPARE = "Compare"
    GRAPH = "Graph"
    FIND = "Filter and search"
    STAGE = "On stage"
    PROGRAM = "Program"


_GROUPS = {
    **{group.name.lower(): group for group in Group},
    "digit": Group.PLAYER,
    "view": Group.VIEWS,
    "record": Group.DETAIL,
    "show": Group.STAGE,
    "drain": Group.PROGRAM,
}
"""The first part of an action's id, and the group that such actions belong to."""
_TABLE = (
    (
        "player.toggle",
        "space",
        "Play",
        "play or pause; live: freeze the view; in a talk, at the end: next finding",
    ),
    ("player.event", ".", "Next event", "next event"),
    ("player.event_back", "comma", "Previous event", "previous event"),
    ("player.state", "]", "Next state", "to where the next state is entered"),
    ("player.state_back", "[", "Previous state", "to the previous state's entry"),
    ("player.chapter", "}", "Next mark", "to the next failure, first poll or end"),
    ("player.chapter_back", "{", "Previous mark", "to the previous mark"),
    ("player.forward", "right", "Forward 5 s", "5 s forward"),
    ("player.back", "left", "Back 5 s", "5 s back"),
    ("player.forward_more", "shift+right", "Forward 1 min", "a minute forward"),
    ("player.back_more", "shift+left", "Back 1 min", "a minute back"),
    ("player.faster", "+,=", "Faster", "up to 600×"),
    ("player.slower", "-", "Slower", "down to 0.25×"),
    ("player.squeeze", "g", "Squeeze idle time", "squeeze idle time, or show it all"),
    (
        "player.clock",
        "c",
        "Switch clocks",
        "arrival time (CloudTrail is late), or event time",
    ),
    ("player.loop", "L", "Loop", "loop"),
    ("player.live", "l", "To the end", "back to live; replay: to the end"),
    ("move.up", "up,k", "Up", "up", "move(-1)"),
    ("move.down", "down,j", "Down", "down", "move(1)"),
    ("move.page_up", "pageup", "Page up", "a page up", "page(-1)"),
    ("move.page_down", "pagedown", "Page down", "a page down", "page(1)"),
    ("move.first", "home", "First", "to the first line", "first"),
    ("move.last", "end,G", "Last", "to the last line, and stay there", "last"),
    ("move.follow", "f", "Follow", "follow the newest line, or stop"),
    ("move.pane", "tab", "Next pane", "next pane: lanes, detail, player, timeline"),
    ("view.timeline", "t", "Timeline", "the timeline on the whole screen, or back"),
    ("view.graph", "M", "Graph", "the state machine as a graph, lit as it runs"),
    ("view.explain", "e", "Explain", "explanation, each sentence with its evidence"),
    ("view.end", "E", "End card", "how it ended: a summary card"),
    ("view.compare", "v", "Compare", "several executions: how two of them differ"),
    ("view.children", "C", "Children", "child executions; enter shows one"),
    ("view.requests", "r", "Own requests", "what sfnwatch asked of AWS, and quotas"),
    ("view.detail", "enter,d", "Detail", "the line in full; on ▸ ▾ ⋯: fold or unfold"),
    ("view.changes", "D", "Changes", "what the state changed, its output beside input"),
    ("view.close", "escape", "Back", "close what was opened last"),
    ("lanes.fold", "z", "Fold", "fold or unfold the branch, iteration or polls here"),
    ("lanes.fold_all", "Z", "Fold all", "fold or unfold them all"),
    ("lanes.align", "a", "Align starts", "several executions: align start times"),
    ("lanes.execution", "ctrl+right,;", "Next execution", "of several, the next one"),
    ("lanes.execution_back", "ctrl+left", "Previous execution", "the execution before"),
    ("timeline.zoom_in", "i", "Zoom in", "zoom in, round the selected bar"),
    ("timeline.zoom_out", "o", "Zoom out", "zoom out"),
    ("timeline.whole", "w", "Whole", "the whole time there is"),
    ("timeline.selected", "W", "Zoom to selection", "zoom to the selected bar"),
    ("timeline.call", ")", "Next call", "to the bar's next call"),
    ("timeline.call_back", "(", "Previous call", "to the bar's call before"),
    ("timeline.pan_left", "<", "Earlier", "move earlier"),
    ("timeline.pan_right", ">", "Later", "move later"),
    ("detail.unfold", "right", "Unfold", "unfold"),
    ("detail.fold", "left,h", "Fold here", "fold"),
    ("detail.act", "enter", "Go there", "unfold, show all of a text, follow a link"),
    ("detail.toggle", "space", "Fold or unfold here", "fold or unfold", "turn"),
    ("record.copy", "y", "Copy", "copy what is selected (OSC 52)"),
    ("record.save", "s", "Save", "save the selected records as JSON"),
    ("record.console", "b", "Console", "open it in the AWS console"),
    ("explain.act", "enter", "Go to the evidence", "unfold a finding, or go to a row"),
    ("compare.jump", "enter", "Show in the lanes", "to the line's row in the lanes"),
    ("compare.pair", "V", "Next pair", "compare the next two; ctrl+→ the other side"),
    ("compare.swap", "X", "Swap", "compare the other way round"),
    ("graph.left", "left", "Box to the left", "to the box on the left", "side(-1)"),
    ("graph.right", "right", "Box to the right", "to the box on the right", "side(1)"),
    ("find.filter", "~,&", "Filter", "show only some rows: ~s state ~e error …"),
    ("find.search", "/", "Search", "search in all rows"),
    ("find.next", "n", "Next match", "to the next match"),
    ("find.previous", "N", "Previous match", "to the match before"),
    (
        "show.present",
        "p",
        "Present",
        "for a talk: keys shown, a caption, names masked",
    ),
    ("show.mask", "m", "Mask names", "mask account IDs and names"),
    ("show.zone", "u", "UTC/local", "times in UTC, or in your time zone"),
    ("show.theme", "T", "Theme", "choose a theme"),
    ("drain.end", "x", "Stop waiting", "stop waiting for late CloudTrail records"),
    ("program.help", "?,f1", "Help", "all keys and marks, those of this view first"),
    ("program.palette", "ctrl+p,:", "Palette", "every action by name"),
    ("program.quit", "q", "Quit", "quit"),
)
"""Each action's id, keys, title and words. A fifth item names the focused widget's
method that does it, where the method's name is not that of the action."""
FOOTER: Mapping[str, int] = {
    "player.toggle": 4,
    "drain.end": 3,
    "view.timeline": 8,
    "view.explain": 9,
    "view.graph": 12,
    "view.end": 13,
    "view.compare": 5,
    "view.children": 6,
    "lanes.align": 7,
    "view.detail": 10,
    "view.close": 3,
    "find.filter": 11,
    "program.help": 2,
    "program.quit": 1,
}
"""The actions of the footer, in its order, each with a rank.

An action is shown if it applies and has room; the highest rank gives way first. Actions
that apply to few watches stay longest: nobody looks for them in the help.
"""
_PLACES = frozenset({"timeline", "explain", "compare", "graph", "detail"})
"""The first parts of the ids of actions that belong to one view; the view has that
name."""
_HEARD_FIRST = frozenset({"find.filter", "find.search"})
"""Actions with priority. Characters typed in one go after them are meant for the line
they open. Otherwise the pane that has the focus until then would get them."""
_PANES = _PLACES - {"timeline"}
"""The views whose actions are done by the widget with the focus."""


class Action(Struct, frozen=True):
    """Something that can be done by key, from the palette, or by either."""

    id: str
    """A configuration names the action by this id. It can change the keys, not the
    id."""
    keys: tuple[str, ...]
    """Names of keys as Textual writes them, or the characters themselves."""
    title: str
    """A word or two, for the footer and the palette."""
    words: str
    """One line, for help and README."""
    done_by: str = ""
    """The focused widget's method that does it, if that has another name."""

    @property
    def group(self) -> Group:
        """The group that the first part of the id belongs to."""
        return _GROUPS[self.id.partition(".")[0]]

    @property
    def method(self) -> str:
        """The focused widget's method that does it; empty where the app does it."""
        pane, _, name = self.id.partition(".")
        return self.done_by or (name if pane in _PANES else "")

    @property
    def pane(self) -> str:
        """The one widget that hears its keys; empty if more than one hears them."""
        about = self.id.partition(".")[0]
        return about if self.method and about != "move" else ""


_ACTIONS = tuple(
    Action(name, tuple(keys.split(",")), *texts) for name, keys, *texts in _TABLE
)
_DIGIT = "1–9 show or hide a lane of calls; with one lane, or in the player: a tenth"
_DIGITS = tuple(
    Action(f"digit.{digit}", (str(digit),), f"Tenth {digit}, or lane {digit}", _DIGIT)
    for digit in range(10)
)
ACTIONS: tuple[Action, ...] = (*_ACTIONS, *_DIGITS)
BY_ID: Mapping[str, Action] = {action.id: action for action in ACTIONS}
SEVERAL = frozenset(
    {
        *("lanes.align", "lanes.execution", "lanes.execution_back", "view.compare"),
        *("compare.jump", "compare.pair", "compare.swap"),
    }
)
"""Actions that apply only where several executions are watched."""


def check_user_keys(chosen: ConfigKeys) -> None:
    """Raise UsageError for an unknown action, and for a key of two actions.

    Two actions may share a key if different widgets hear it.
    """
    for name, own in chosen.items():
        if name not in BY_ID:
            msg = f"{own.where}: keys: there is no action {quoted(name)}"
            raise UsageError(msg, hint=near(name, BY_ID) or "Press ? for all.")
    names_by_key: dict[tuple[str, str], str] = {}
    for name, action in BY_ID.items():
        keys = tuple(key_name(key) or key for key in action.keys)
        if name in chosen:
            keys = chosen[name].keys
        for key in dict.fromkeys(keys):
            other = names_by_key.setdefault((action.pane, key), name)
            is_chosen = name in chosen or other in chosen
            if other != name and is_chosen:
                where = chosen[name if name in chosen else other].where
                names = f"{quoted(other)} and {quoted(name)}"
                msg = f"{where}: keys: {quoted(key)} is for both {names}"
                raise UsageError(msg, hint="Give one of them another key.")


def key_label(key: str) -> str:
    """Return a key as people write it: `]`, `shift+→`, `pgup`."""
    if len(key) == 1 or key in {"enter", "escape"}:
        return key
    *held, last = key.split("+")
    return "+".join([*held, format_key(last)])


def whereabouts(name: str) -> str:
    """Return in which view an action can be done; empty if it belongs to no view."""
    view = name.partition(".")[0]
    if view not in _PLACES:
        return ""
    place = BY_ID[f"view.{view}"]
    return f"{BY_ID[name].title}: only in {place.title} ({key_label(place.keys[0])})"


def bindings(pane: str | None = None) -> list[BindingType]:
    """Return the bindings of the app or, with a `pane`, those of a list with a cursor.

    The app binds the keys that are heard everywhere, and does each action by its id. A
    list binds the actions that all lists do, and those of its pane. While another
    widget has the focus, the app hears the pane's keys, to tell the user where they
    work.
    """
    if pane is not None:
        return [
            _binding(action, action.method, action.keys)
            for action in ACTIONS
            if action.method and action.pane in {"", pane}
        ]
    bound = [
        _binding(action, f"do('{action.id}')", action.keys)
        for action in ACTIONS
        if not action.method
    ]
    heard_everywhere: set[str] = set()
    for action in ACTIONS:
        if not action.pane:
            heard_everywhere.update(action.keys)
    for action in ACTIONS:
        keys = [key for key in action.keys if key not in heard_everywhere]
        if action.pane and keys:
            bound.append(_binding(action, f"do('{action.id}')", keys))
    return bound


def _binding(action: Action, does: str, keys: Iterable[str]) -> BindingType:
    return Binding(
        ",".join(keys),
        does,
        action.title,
        show=False,
        id=action.id,
        priority=action.id in _HEARD_FIRST,
    )


def entries(
    keys: Mapping[str, tuple[str, ...]] = {},
) -> Iterator[tuple[Group, str, str]]:
    """Yield each group, its keys and what they do; the digits share one line.

    `keys` are a configuration's: an action in it is listed with the keys it has there.
    """
    for group in Group:
        for action in _ACTIONS:
            if action.group is group:
                own = keys.get(action.id, action.keys)
                yield group, " ".join(map(key_label, own)), action.words
        if group is Group.PLAYER:
            yield group, "0 … 9", _DIGIT
