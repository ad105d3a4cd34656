"""What each role looks like in a theme, so that it can be read on any ground.

One system: blue is working, gray is waiting, green is success and nothing else, amber
is trouble that did not fail, red is failure. sfnwatch's own themes define their hues.
Other themes choose colors for large surfaces; as text, on a panel or under the cursor,
most themes have some colors that can hardly be read. So a role begins as the theme's
own color, and is moved towards black or white just as far as needed, as WCAG 2 measures
it. Terminals of 16 colors have a palette of their own, which nobody can measure: there
a role is one of the palette's names. All colors are written in `templates/colors.json`.

Terminals differ in more: in notifications, in being suspended, and some have only
ASCII. A notification is text from AWS, so only printable characters may get in, and no
`;`, which separates its fields.
"""

import asyncio
import math
import os
import signal
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar, cast

import msgspec
from msgspec import Struct
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from textual.app import App
from textual.color import Color, ColorParseError, rgb_to_lab
from textual.css.constants import VALID_STYLE_FLAGS
from textual.filter import LineFilter
from textual.screen import Screen
from textual.theme import BUILTIN_THEMES, Theme

from sfnwatch.config.mistakes import near, quoted
from sfnwatch.config.user_themes import UserTheme
from sfnwatch.errors import UsageError
from sfnwatch.model.texts import clean
from sfnwatch.templates import read_template
from sfnwatch.tui.paint import CHIPS, LOOKS
from sfnwatch.view.signs import to_ascii

if TYPE_CHECKING:
    from rich.traceback import Traceback

    from sfnwatch.tui.app import ScreenSettings

LEAST = 4.5
"""The ratio of contrast that all text keeps, as WCAG asks."""
_STEPS = 50
_BLACK = Color(0, 0, 0)
_WHITE = Color(255, 255, 255)
DEFAULT = "sfnwatch-dark"
DEFAULT_LIGHT = "sfnwatch-light"
_PALE = ("7", "15")
"""White and bright white, as COLORFGBG numbers a terminal's background."""
_AS_BUSY = ("call", "fold")
"""Roles of the same blue as what works: what is called, and what opens."""
_APART = 30.0
"""Distance in CIELAB from which on colors can be told apart in a thin bar."""
_GREYS = {"name": 1.0, "plain": 0.88, "dim": 0.6, "faint": 0.5}
"""The share of the foreground in each gray; the rest is background."""
_WASHES = {
    "cursor-background": ("primary", 0.2),
    "fresh-background": ("accent", 0.14),
    "banner-background": ("warning", 0.12),
    "banner-bad-background": ("error", 0.15),
}
"""Backgrounds of lines: a color of the theme, and its share."""
_PALER = 0.64
"""A factor for these shares in a light theme, where a dark color weighs more."""


def _theme(written: UserTheme) -> Theme:
    return Theme(
        name=written.name,
        dark=written.dark,
        ansi=written.colors["primary"].startswith("ansi_"),
        variables=dict(written.variables),
        **written.colors,  # type: ignore[arg-type]
    )


class _Shipped(Struct):
    """The colors that come with the program; the first of two is for dark themes."""

    themes: tuple[UserTheme, ...]
    hues: Mapping[str, tuple[str, str, str]]
    """By role: the name of the theme's color, if themes have one, and sfnwatch's own
    colors. A theme's color that is too near to those before it is replaced by
    sfnwatch's own."""
    matched: Mapping[str, tuple[str, str]]
    """By the certainty of a match: colors of words, which signs tell apart as well."""
    chips: tuple[Sequence[str], Sequence[str]]
    """Hues that mean nothing else, used to tell executions apart."""
    palette: Mapping[str, tuple[str, str]]
    """The names of a terminal's colors, by variable.

    Palettes most often fail at blue on black and at yellow on white. Many have no gray
    that can be read; all have a fainter default.
    """


_SHIPPED = msgspec.json.decode(read_template("colors.json"), type=_Shipped)
THEMES = tuple(map(_theme, _SHIPPED.themes))


def names() -> tuple[str, ...]:
    """Return the names of our themes and Textual's; users' are in configurations."""
    return (*(theme.name for theme in THEMES), *BUILTIN_THEMES)


def check_theme(name: str | None, own: Iterable[str], who: str) -> None:
    """Raise UsageError for an unknown theme; `own` are the names of the user's.

    `who` is what asks for the theme: an option, a file, a variable.
    """
    known = {*names(), *own}
    if name is not None and name not in known:
        msg = f"{who}: there is no theme {quoted(name)}"
        every = f"There are: {', '.join(clean(each, 40) for each in sorted(known))}."
        raise UsageError(msg, hint=near(name, known) or every)


ResultT = TypeVar("ResultT")


class PaintedScreen(Screen[ResultT]):
    """A screen with the classes of painted text."""

    COMPONENT_CLASSES: ClassVar[set[str]] = set(LOOKS)


class ThemedApp(App[ResultT]):
    """An app in the colors of the program: the screen, and the picker before it."""

    TITLE = "sfnwatch"
    CSS_PATH = Path(__file__).with_name("sfnwatch.tcss")

    def __init__(self, settings: "ScreenSettings") -> None:
        """Register all themes; raises UsageError for a user's theme that is wrong."""
        # For NO_COLOR: Textual would still send grays, unless it leaves all colors to
        # the terminal.
        super().__init__(ansi_color=True if "NO_COLOR" in os.environ else None)
        hide_locals(self.console)
        self._signs: tuple[LineFilter, ...] = (Ascii(),) if settings.ascii else ()
        for each in (*THEMES, *map(make_theme, settings.own_themes)):
            self.register_theme(each)
        colors = self.console.color_system
        self.theme = settings.theme or default_theme(colors, os.environ)

    def on_ready(self) -> None:
        suspend_in_the_loop()
        # On resuming, the terminal has forgotten what was painted.
        self.app_resume_signal.subscribe(self, lambda _: self.refresh())

    def get_default_screen(self) -> Screen[object]:
        return PaintedScreen(id="_default")

    def get_css_variables(self) -> dict[str, str]:
        return {**super().get_css_variables(), **role_variables(self.current_theme)}

    def get_line_filters(self) -> Sequence[LineFilter]:
        return (*super().get_line_filters(), *self._signs)


def default_theme(color_system: str | None, environ: Mapping[str, str]) -> str:
    """Return the theme's name for a user who has chosen none.

    Colors mixed from millions can't be told apart when they are rounded to sixteen:
    there the terminal's own palette is used. The same holds without colors.
    """
    pale = environ.get("COLORFGBG", "").rpartition(";")[2] in _PALE
    if color_system == "standard" or "NO_COLOR" in environ:
        return "ansi-light" if pale else "ansi-dark"
    return DEFAULT_LIGHT if pale else DEFAULT


def stage_theme(*, dark: bool) -> str:
    """Return the name of the theme that the back row can read, dark or light."""
    return "high-contrast" if dark else "high-contrast-light"


# -- the variables of the style sheet --------------------------------------------------


def role_variables(theme: Theme) -> dict[str, str]:
    """Return the style sheet's variables of roles; the theme's own values stay."""
    own = _palette(dark=theme.dark) if theme.ansi else _measured(theme)
    return {name: theme.variables.get(name, value) for name, value in own.items()}


def _palette(*, dark: bool) -> dict[str, str]:
    both = _SHIPPED.palette.items()
    colors = {name: f"ansi_{of_each[not dark]}" for name, of_each in both}
    return {**colors, "dim-text-style": "dim"}


def _measured(theme: Theme) -> dict[str, str]:
    every = theme.to_color_system().generate()
    own = theme.variables

    def color(name: str) -> Color:
        return Color(*Color.parse(every[name]).rgb)

    ground = color("background")
    found = color("warning")
    weight = 1 if theme.dark else _PALER
    washes = {
        name: ground.blend(color(whose), share * weight)
        for name, (whose, share) in _WASHES.items()
    }
    washes |= {name: Color.parse(own[name]) for name in washes if name in own}
    grounds = [ground, color("surface"), color("panel"), *washes.values()]
    roles = dict(_roles(color, grounds, dark=theme.dark))
    chips = _SHIPPED.chips[not theme.dark]
    named = {
        **roles,
        **washes,
        **{f"chip-{n}": Color.parse(chips[n]) for n in range(CHIPS)},
        "chip-text": _BLACK if theme.dark else _WHITE,
        "cursor-color": roles["role-plain"],
        "found-background": found,
        "found-color": max(_BLACK, _WHITE, key=lambda end: contrast(end, found)),
        "thumb-color": ground.blend(color("foreground"), 0.3),
    }
    written = {name: each.hex6 for name, each in named.items()}
    return {**written, "dim-text-style": "none"}


def _roles(
    color: Callable[[str], Color], grounds: Sequence[Color], *, dark: bool
) -> Iterator[tuple[str, Color]]:
    """Yield each role's color, so that it can be read and told from the others."""
    ground = color("background")
    text = color("foreground")
    for role, share in _GREYS.items():
        yield f"role-{role}", legible(ground.blend(text, share), grounds)
    for role, both in _SHIPPED.matched.items():
        yield f"role-{role}", legible(Color.parse(both[not dark]), grounds)
    taken = [legible(ground.blend(text, _GREYS["dim"]), grounds)]
    for role, (name, *ours) in _SHIPPED.hues.items():
        own = Color.parse(ours[not dark])
        theirs = color(name) if name else own
        hues = [legible(hue, grounds) for hue in (theirs, own)]
        nearest = [min(distance(hue, other) for other in taken) for hue in hues]
        chosen = hues[nearest[0] < min(_APART, nearest[1])]
        taken.append(chosen)
        for each in (role, *(_AS_BUSY if role == "busy" else ())):
            yield f"role-{each}", chosen


def distance(one: Color, other: Color) -> float:
    """Return how different two colors look: their distance in CIELAB."""
    return math.dist(rgb_to_lab(one), rgb_to_lab(other))


def legible(color: Color, grounds: Iterable[Color]) -> Color:
    """Move a color towards white or black until it can be read on all grounds."""
    surfaces = list(grounds)
    end = max((_WHITE, _BLACK), key=lambda end: min(contrast(end, g) for g in surfaces))
    for step in range(_STEPS):
        moved = color.blend(end, step / _STEPS)
        if all(contrast(moved, ground) >= LEAST for ground in surfaces):
            return moved
    return end


def contrast(one: Color, other: Color) -> float:
    """Return the contrast of two colors as WCAG 2 measures it: from 1 to 21."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(color: Color) -> float:
    red, green, blue = (_linear(part / 255) for part in color.rgb)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(share: float) -> float:
    return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4  # noqa: PLR2004 - WCAG's


# -- the user's ------------------------------------------------------------------------


def make_theme(written: UserTheme) -> Theme:
    """Return the theme that a user's file defines; raises UsageError for a mistake."""
    where = f"{written.where}: {written.name}"
    for key, value in written.colors.items():
        _check_color(f"{where}.{key}", value)
    plain = Theme(name="plain", primary="#000000")
    known = {**plain.to_color_system().generate(), **role_variables(plain)}
    for key, value in written.variables.items():
        if key not in known:
            msg = f"{where}.variables.{key}: there is no such variable."
            raise UsageError(msg, hint=near(key, known))
        if not key.endswith("-style"):
            _check_color(f"{where}.variables.{key}", value)
        elif not value.split() or not VALID_STYLE_FLAGS.issuperset(value.split()):
            msg = f"{where}.variables.{key}: {quoted(value)} is no style of text."
            raise UsageError(msg)
    return _theme(written)


def _check_color(where: str, value: str) -> None:
    try:
        Color.parse(value)
    except ColorParseError as error:
        msg = f"{where}: {quoted(value)} is no color."
        meant = error.suggested_color
        hint = f"Did you mean {quoted(meant)}?" if meant else 'Write it as "#88c0d0".'
        raise UsageError(msg, hint=hint) from error


# -- what terminals differ in ----------------------------------------------------------

Notify = Literal["off", "bell", "desktop"]
_BELL = "\a"
_ESC = "\x1b"
_ST = "\x1b\\"
_TITLE_LENGTH = 60
"""Most characters of a notification's title: desktops cut or refuse longer ones."""
_BODY_LENGTH = 160
"""Most characters of a notification's text, for the same reason."""
_OSC_777 = ("foot", "ghostty", "rxvt", "wezterm", "contour")
"""Terminals that take a title and a body; all others take one text."""
_TABLES = str.maketrans({";": ",", "\ufffd": "?"})
_SIGNALS = ("SIGTSTP", "SIGCONT")


def notify(app: App[Any], how: Notify, title: str, body: str) -> None:
    """Notify a user who looks elsewhere, by the bell or on the desktop."""
    sent = _BELL if how == "bell" else notification(title, body, os.environ)
    # Textual has no public way to write past the screen.
    driver = app._driver  # noqa: SLF001
    if how != "off" and driver is not None and not app.is_headless:
        driver.write(sent)


def notification(title: str, body: str, environ: Mapping[str, str]) -> str:
    """Return what makes this terminal notify; the bell if it can do no more."""
    no_more = environ.get("TERM") in {"linux", "dumb"}
    if no_more or ("STY" in environ and "TMUX" not in environ):
        # GNU screen passes no such sequence on.
        return _BELL
    variables = ("TERM", "TERM_PROGRAM", "LC_TERMINAL")
    names = " ".join(environ.get(name, "") for name in variables).lower()
    title = _field(title, _TITLE_LENGTH)
    body = _field(body, _BODY_LENGTH)
    if any(name in names for name in _OSC_777):
        sequence = f"{_ESC}]777;notify;{title};{body}{_ST}"
    else:
        sequence = f"{_ESC}]9;{title}: {body}{_ST}"
    if "TMUX" not in environ:
        return sequence
    # tmux passes it on if `allow-passthrough` is on.
    return f"{_ESC}Ptmux;{sequence.replace(_ESC, _ESC * 2)}{_ST}"


def _field(text: str, limit: int) -> str:
    cleaned = clean(text).translate(_TABLES)
    shown = "".join(c if c.isprintable() else " " for c in cleaned)
    return f"{shown[: limit - 1]}…" if len(shown) > limit else shown


def suspend_in_the_loop() -> None:
    """Let the event loop run the handlers for suspending and resuming.

    Textual restores the terminal in the signal's own handler. Python calls that between
    any two instructions: even within a write, for whose lock the handler then waits in
    vain. When the loop runs it, nothing else is under way.
    """
    loop = asyncio.get_running_loop()
    # Not possible on all platforms, nor outside the main thread.
    with suppress(AttributeError, NotImplementedError, RuntimeError, ValueError):
        for name in _SIGNALS:
            number = getattr(signal, name)
            handler = signal.getsignal(number)
            if callable(handler):
                loop.add_signal_handler(number, handler, number, None)


def hide_locals(console: Console) -> None:
    """Let a crash show where it was, but not the values of variables.

    Textual prints them with every crash, and here they hold payloads.
    """
    render = console.render

    def render_without(
        renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        # The class is only loaded for a crash.
        if type(renderable).__module__ == "rich.traceback":
            # The same crash, shown as Rich does by default.
            renderable = cast("type[Traceback]", type(renderable))()
        return render(renderable, options)

    console.render = render_without  # type: ignore[method-assign]


class Ascii(LineFilter):
    """Replaces drawn signs by ASCII; colors, widths and controls stay as they are."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        del background
        return [
            each if each.control else Segment(to_ascii(each.text), each.style)
            for each in segments
        ]
