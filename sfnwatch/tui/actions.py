"""Every action there is: one list, from which keys, footer, help and palette are made.

What is not in this list can't be done; README's table of keys is made from it too.
"""

from collections.abc import Collection, Iterator, Mapping
from enum import StrEnum

from msgspec import Struct
from textual.binding import Binding, BindingType

from sfnwatch.config import Bound


class Group(StrEnum):
    """What an action is about, in the order in which help tells of them."""

    PLAYER = "Player"
    MOVE = "Move"
    VIEWS = "Views"
    LANES = "Lanes"
    TIMELINE = "Timeline"
    DETAIL = "Detail"
    EXPLAIN = "Explain"
    COMPARE = "Compare"
    FIND = "Filter and search"
    STAGE = "On stage"
    PROGRAM = "Program"


class Action(Struct, frozen=True):
    """Something that can be done, by key, from the palette, or by either."""

    id: str
    """By this a configuration names it; its keys can be changed, not its name."""
    keys: tuple[str, ...]
    """In Textual's names; none for what only the palette offers."""
    title: str
    """A word or two, for the footer and the palette."""
    words: str
    """A line, for help and README."""
    group: Group
    footer: bool = False
    method: str = ""
    """How the focused pane does it itself, as moving its cursor; else the app does."""
    pane: str = ""
    """The one pane that hears its keys; with none, they are heard everywhere."""
    display: str = ""
    """How the footer names its keys, where that is not the first of them."""


_P, _M, _V, _L = Group.PLAYER, Group.MOVE, Group.VIEWS, Group.LANES
_T, _D, _F, _S, _A = (
    Group.TIMELINE,
    Group.DETAIL,
    Group.FIND,
    Group.STAGE,
    Group.PROGRAM,
)
_ACTIONS: tuple[Action, ...] = (
    Action(
        "player.toggle",
        ("space",),
        "Play/pause",
        "play or pause; live: freeze the view, nothing is missed",
        _P,
        footer=True,
    ),
    Action(
        "player.event",
        ("full_stop",),
        "Next event",
        "to the next moment at which something came",
        _P,
    ),
    Action(
        "player.event_back",
        ("comma",),
        "Previous event",
        "to the moment before at which something came",
        _P,
    ),
    Action(
        "player.state",
        ("right_square_bracket",),
        "Next state",
        "to where the next state is entered",
        _P,
    ),
    Action(
        "player.state_back",
        ("left_square_bracket",),
        "Previous state",
        "to where the state before was entered",
        _P,
    ),
    Action(
        "player.chapter",
        ("right_curly_bracket",),
        "Next chapter",
        "to the next mark: a failure, a first poll, an end",
        _P,
    ),
    Action(
        "player.chapter_back",
        ("left_curly_bracket",),
        "Previous chapter",
        "to the mark before",
        _P,
    ),
    Action("player.forward", ("right",), "Forward 5 s", "5 s forward", _P),
    Action("player.back", ("left",), "Back 5 s", "5 s back", _P),
    Action(
        "player.forward_more", ("shift+right",), "Forward 1 min", "a minute forward", _P
    ),
    Action("player.back_more", ("shift+left",), "Back 1 min", "a minute back", _P),
    Action("player.faster", ("plus", "equals_sign"), "Faster", "up to 600×", _P),
    Action("player.slower", ("minus",), "Slower", "down to 0.25×", _P),
    Action(
        "player.squeeze",
        ("g",),
        "Squeeze idle gaps",
        "squeeze idle time in the player; in the timeline, on its axis",
        _P,
    ),
    Action(
        "player.clock",
        ("c",),
        "Switch clocks",
        "as it was seen (CloudTrail is late), or as it happened",
        _P,
    ),
    Action("player.loop", ("L",), "Loop", "begin again at the end", _P),
    Action(
        "player.live",
        ("l",),
        "To the end",
        "back to live; replay: to the end",
        _P,
    ),
    Action("move.up", ("up", "k"), "Up", "up", _M, method="move(-1)"),
    Action("move.down", ("down", "j"), "Down", "down", _M, method="move(1)"),
    Action("move.page_up", ("pageup",), "Page up", "a page up", _M, method="page(-1)"),
    Action(
        "move.page_down",
        ("pagedown",),
        "Page down",
        "a page down",
        _M,
        method="page(1)",
    ),
    Action("move.first", ("home",), "First", "to the first line", _M, method="first"),
    Action(
        "move.last",
        ("end", "G"),
        "Last",
        "to the last line, and stay there",
        _M,
        method="last",
    ),
    Action(
        "move.follow",
        ("f",),
        "Follow",
        "keep to the newest line, or let go of it",
        _M,
    ),
    Action(
        "move.pane",
        ("tab",),
        "Next pane",
        "to the next pane: view, detail, player",
        _M,
    ),
    Action(
        "view.timeline",
        ("t",),
        "Timeline",
        "the timeline, or back to the lanes",
        _V,
        footer=True,
    ),
    Action(
        "view.explain",
        ("e",),
        "Explain",
        "what it all shows, in sentences, each with its evidence",
        _V,
        footer=True,
    ),
    Action(
        "view.compare",
        ("v",),
        "Compare",
        "several executions: how two of them differ",
        _V,
    ),
    Action(
        "view.children",
        ("C",),
        "Children",
        "the executions that others began: failures first, enter shows one",
        _V,
    ),
    Action(
        "view.requests",
        ("r",),
        "Own requests",
        "what sfnwatch itself asked of AWS, and its budget",
        _V,
    ),
    Action(
        "view.detail",
        ("enter", "d"),
        "Detail",
        "the selected line in full; on ▸ ▾ ⋯: fold or unfold",
        _V,
        footer=True,
        display="enter",
    ),
    Action(
        "view.close",
        ("escape",),
        "Back",
        "close what was opened last",
        _V,
    ),
    Action(
        "lanes.fold",
        ("z",),
        "Fold",
        "fold or unfold the branch, iteration or polls under the cursor",
        _L,
    ),
    Action("lanes.fold_all", ("Z",), "Fold all", "fold or unfold them all", _L),
    Action(
        "lanes.align",
        ("a",),
        "Align starts",
        "several executions: as if all had started at once, or each when it did",
        _L,
    ),
    Action(
        "lanes.execution",
        ("ctrl+right", "semicolon"),
        "Next execution",
        "several executions: to the next one's column or row",
        _L,
    ),
    Action(
        "lanes.execution_back",
        ("ctrl+left",),
        "Previous execution",
        "several executions: to the column or row of the one before",
        _L,
    ),
    Action(
        "timeline.zoom_in", ("i",), "Zoom in", "zoom in, round the selected bar", _T
    ),
    Action("timeline.zoom_out", ("o",), "Zoom out", "zoom out", _T),
    Action("timeline.whole", ("w",), "Whole", "all of the time there is", _T),
    Action(
        "timeline.selected",
        ("W",),
        "Fit the selected",
        "as close as the selected bar allows",
        _T,
    ),
    Action(
        "timeline.call",
        ("right_parenthesis",),
        "Next call",
        "to the bar's next call",
        _T,
    ),
    Action(
        "timeline.call_back",
        ("left_parenthesis",),
        "Previous call",
        "to the bar's call before",
        _T,
    ),
    Action("timeline.pan_left", ("less_than_sign",), "Earlier", "move earlier", _T),
    Action("timeline.pan_right", ("greater_than_sign",), "Later", "move later", _T),
    Action(
        "detail.unfold",
        ("right",),
        "Unfold",
        "unfold, or to the column at the right",
        _D,
        method="unfold",
        pane="detail",
    ),
    Action(
        "detail.fold",
        ("left", "h"),
        "Fold here",
        "fold, or to the column at the left",
        _D,
        method="fold",
        pane="detail",
    ),
    Action(
        "detail.act",
        ("enter",),
        "Go there",
        "unfold, show more of a long text, or go to what is linked",
        _D,
        method="act",
        pane="detail",
    ),
    Action(
        "detail.toggle",
        ("space",),
        "Fold or unfold here",
        "fold or unfold",
        _D,
        method="turn",
        pane="detail",
    ),
    Action(
        "explain.act",
        ("enter",),
        "Go to the evidence",
        "unfold what a finding rests on, or go to the row it is in the lanes",
        Group.EXPLAIN,
        method="act",
        pane="explain",
    ),
    Action(
        "compare.jump",
        ("enter",),
        "Show in the lanes",
        "to the selected line's row in the lanes",
        Group.COMPARE,
        method="jump",
        pane="compare",
    ),
    Action(
        "compare.pair",
        ("V",),
        "Two others",
        "compare the next two; ctrl+→ points to the other side",
        Group.COMPARE,
        method="pair(1)",
        pane="compare",
    ),
    Action(
        "compare.swap",
        ("X",),
        "Swap",
        "compare the other way round",
        Group.COMPARE,
        method="swap",
        pane="compare",
    ),
    Action("record.copy", ("y",), "Copy", "copy what is selected (OSC 52)", _D),
    Action("record.save", ("s",), "Save", "save the selected records as JSON", _D),
    Action(
        "record.console",
        ("b",),
        "Console",
        "open it in the AWS console; its URL is in the detail pane",
        _D,
    ),
    Action(
        "find.filter",
        ("tilde", "ampersand"),
        "Filter",
        "show only some rows: ~s state ~a action ~e error …",
        _F,
        footer=True,
        display="~",
    ),
    Action("find.search", ("slash",), "Search", "search in all rows", _F),
    Action("find.next", ("n",), "Next found", "to the next row found", _F),
    Action("find.previous", ("N",), "Previous found", "to the row found before", _F),
    Action(
        "show.present",
        ("p",),
        "Present",
        "for a talk: names masked, keys shown, a sentence for each row",
        _S,
    ),
    Action("show.mask", ("m",), "Mask names", "mask account ids and names", _S),
    Action("show.zone", ("u",), "UTC/local", "times in UTC, or in your zone", _S),
    Action("show.theme", ("T",), "Theme", "choose a theme", _S),
    Action(
        "drain.end",
        ("x",),
        "End draining",
        "await no more late records",
        _A,
        footer=True,
    ),
    Action(
        "program.help",
        ("question_mark", "f1"),
        "Help",
        "all keys and marks, those of this pane first",
        _A,
        footer=True,
        display="?",
    ),
    Action(
        "program.palette",
        ("ctrl+p", "colon"),
        "Palette",
        "every action by its name",
        _A,
    ),
    Action("program.quit", ("q",), "Quit", "leave", _A, footer=True),
)
_DIGITS = tuple(
    Action(
        f"digit.{digit}",
        (str(digit),),
        f"Tenth {digit}, or lane {digit}",
        "1–9 show or hide a lane of calls; with one lane, or in the player: a tenth",
        _P,
    )
    for digit in range(10)
)
ACTIONS: tuple[Action, ...] = (*_ACTIONS, *_DIGITS)
SEVERAL = frozenset(
    {
        *("lanes.align", "lanes.execution", "lanes.execution_back", "view.compare"),
        *("compare.jump", "compare.pair", "compare.swap"),
    }
)
"""What there is to do only where several executions are watched."""
BY_ID = {action.id: action for action in ACTIONS}

KEY_NAMES = {
    "full_stop": ".",
    "comma": ",",
    "right_square_bracket": "]",
    "left_square_bracket": "[",
    "right_curly_bracket": "}",
    "left_curly_bracket": "{",
    "plus": "+",
    "equals_sign": "=",
    "minus": "-",
    "less_than_sign": "<",
    "greater_than_sign": ">",
    "tilde": "~",
    "ampersand": "&",
    "slash": "/",
    "semicolon": ";",
    "question_mark": "?",
    "colon": ":",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
    "left_parenthesis": "(",
    "right_parenthesis": ")",
    "shift+left": "shift+←",
    "shift+right": "shift+→",
    "ctrl+left": "ctrl+←",
    "ctrl+right": "ctrl+→",
    "pageup": "pgup",
    "pagedown": "pgdn",
}
"""A key as people write it; others are named as Textual names them."""


def key_name(key: str) -> str:
    return KEY_NAMES.get(key, key)


def bindings() -> list[BindingType]:
    """Bind the program's actions; the app does each by its id."""
    return [
        Binding(
            ",".join(action.keys),
            f"do('{action.id}')",
            action.title,
            show=action.footer,
            key_display=action.display or key_name(action.keys[0]),
            id=action.id,
            # What is typed after these in one go is meant for the line they open,
            # and would else reach the pane that has the focus until then.
            priority=action.id in {"find.filter", "find.search"},
        )
        for action in sorted(ACTIONS, key=_footer_rank)
        if action.keys and not action.method
    ]


def _footer_rank(action: Action) -> int:
    """Put first what a footer with no room for all must still have."""
    first = ("program.quit", "program.help", "player.toggle")
    return first.index(action.id) if action.id in first else len(first)


def moves() -> list[BindingType]:
    """Bind what every pane with a cursor does itself."""
    return _of_panes("")


def of_pane(pane: str) -> list[BindingType]:
    """Bind what one pane alone does, and the moves that it shares."""
    return [*moves(), *_of_panes(pane)]


def _of_panes(pane: str) -> list[BindingType]:
    return [
        Binding(
            ",".join(action.keys),
            action.method,
            action.title,
            show=False,
            id=action.id,
        )
        for action in ACTIONS
        if action.method and action.pane == pane
    ]


def bound() -> dict[str, Bound]:
    """Tell a configuration what there is to bind: no two actions share a key."""
    return {action.id: Bound(action.pane, action.keys) for action in ACTIONS}


def entries(
    keys: Mapping[str, tuple[str, ...]] | None = None,
    *,
    without: Collection[str] = (),
) -> Iterator[tuple[Group, str, str]]:
    """List each group's keys and what they do, the digits in one line.

    `keys` are a configuration's: what it binds otherwise is told as it is bound.
    The actions whose ids are in `without` are left out.
    """
    changed: Mapping[str, tuple[str, ...]] = keys or {}
    for group in Group:
        for action in _ACTIONS:
            if action.group is group and action.id not in without:
                own = changed.get(action.id, action.keys)
                yield group, " ".join(map(key_name, own)), action.words
        if group is Group.PLAYER:
            yield group, "0 … 9", _DIGITS[0].words
