"""The picker by itself, in the colours of the program: before anything is watched."""

import os
from collections.abc import Sequence
from typing import Any, ClassVar

from textual.app import App
from textual.binding import Binding, BindingType
from textual.filter import LineFilter
from textual.screen import Screen

from sfnwatch.clock import Clock
from sfnwatch.config import Config, keymap
from sfnwatch.tui.ascii import Ascii
from sfnwatch.tui.contrast import tone_variables
from sfnwatch.tui.looks import Looks
from sfnwatch.tui.painting import PaintedScreen
from sfnwatch.tui.picker import Fetch, FetchOf, Picker
from sfnwatch.tui.picker_panes import Chosen
from sfnwatch.tui.picker_shelf import Read
from sfnwatch.tui.staging import staged_theme
from sfnwatch.tui.suspending import suspend_in_the_loop
from sfnwatch.tui.themes import register


class PickerApp(App[Chosen]):
    """The picker by itself, in the colours of the program."""

    TITLE = "sfnwatch"
    CSS_PATH = "sfnwatch.tcss"
    ENABLE_COMMAND_PALETTE = False
    # Textual annotates these as neither class nor instance variables.
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-medium"), (160, "-wide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-low"), (12, "-middling"), (20, "-high")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [
        # A screen's own ctrl+c copies text; here it must end the program.
        Binding("ctrl+c", "interrupt", "Quit", show=False, priority=True),
    ]

    def __init__(
        self,
        fetch: Fetch,
        *,
        clock: Clock,
        region: str = "",
        config: Config | None = None,
        children: FetchOf | None = None,
        recordings: Read | None = None,
    ) -> None:
        # Without colour Textual would still send greys, unless it leaves all of them
        # to the terminal.
        super().__init__(ansi_color=True if "NO_COLOR" in os.environ else None)
        self._config = config or Config()
        looks = Looks(masked=self._config.present, local=self._config.time == "local")
        self._picker = Picker(
            fetch,
            clock=clock,
            region=region,
            looks=looks,
            children=children,
            recordings=recordings,
        )
        self._ascii = Ascii()
        self.interrupted = False
        """True where it was ended, and nothing chosen, by ctrl+c."""
        register(self, self._config)
        if self.no_color:
            self.theme = "ansi-dark"

    def get_default_screen(self) -> Screen[Any]:
        return PaintedScreen(id="_default")

    def on_mount(self) -> None:
        suspend_in_the_loop()
        self.set_keymap(keymap(self._config))
        if self._config.present:
            self.theme = staged_theme(dark=self.current_theme.dark)
        self.push_screen(self._picker, self._chosen)

    @property
    def picker(self) -> Picker:
        return self._picker

    def _chosen(self, chosen: Chosen | None) -> None:
        self.exit(chosen or ())

    def action_interrupt(self) -> None:
        self.interrupted = True
        self.exit(())

    def get_line_filters(self) -> Sequence[LineFilter]:
        filters = super().get_line_filters()
        return (*filters, self._ascii) if self._config.ascii else filters

    def get_css_variables(self) -> dict[str, str]:
        variables = super().get_css_variables()
        return {**variables, **tone_variables(self.current_theme)}
