"""An app in the colors of the program."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, TypeVar

from textual.app import App
from textual.filter import LineFilter
from textual.screen import Screen

from sfnwatch.tui.role_colors import role_variables
from sfnwatch.tui.screen_settings import ScreenSettings
from sfnwatch.tui.shipped_colors import THEMES
from sfnwatch.tui.spans import STYLE_NAMES
from sfnwatch.tui.terminal import Ascii, hide_locals, suspend_in_the_loop
from sfnwatch.tui.themes import default_theme, make_theme

ResultT = TypeVar("ResultT")


class PaintedScreen(Screen[ResultT]):
    """A screen with the classes of painted text."""

    COMPONENT_CLASSES: ClassVar[set[str]] = set(STYLE_NAMES)


class ThemedApp(App[ResultT]):
    """An app in the colors of the program: the screen, and the picker before it."""

    TITLE = "sfnwatch"
    CSS_PATH = Path(__file__).with_name("sfnwatch.tcss")

    def __init__(self, settings: ScreenSettings) -> None:
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
