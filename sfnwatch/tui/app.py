"""The app: its parts, and what each key, click and message does.

It is one consumer of a session's trace, like every other. It takes in each batch at
once, since that is cheap. While many batches come, it paints only a few times a second,
and makes only the lines that are in view.
"""

import gc
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import partial
from typing import ClassVar

from msgspec.structs import replace
from textual import events, on, work
from textual.app import ComposeResult, SystemCommand
from textual.binding import Binding, BindingType
from textual.command import CommandPalette
from textual.containers import Container
from textual.markup import escape
from textual.screen import Screen

from sfnwatch.errors import SfnwatchError
from sfnwatch.model.records import Batch
from sfnwatch.model.source_health import HealthState
from sfnwatch.model.trace import Changed
from sfnwatch.recording.saved_view import SavedView
from sfnwatch.tui.actions import (
    ACTIONS,
    SEVERAL,
    Command,
    bindings,
    key_label,
    whereabouts,
)
from sfnwatch.tui.bars import Bars
from sfnwatch.tui.cursor_list import CursorList
from sfnwatch.tui.find_bar import FindBar
from sfnwatch.tui.finder import Finder
from sfnwatch.tui.findings_worker import FindingsWorker
from sfnwatch.tui.help import Help
from sfnwatch.tui.key_line import KeyLine
from sfnwatch.tui.new_ends import NewEnds
from sfnwatch.tui.notifications import notify
from sfnwatch.tui.pace import Pace
from sfnwatch.tui.palette import MarkerProvider
from sfnwatch.tui.player import Player
from sfnwatch.tui.presenter import Presenter
from sfnwatch.tui.screen_settings import ScreenSettings
from sfnwatch.tui.screen_state import GoTo, ScreenState, Seek
from sfnwatch.tui.status_rows import ending_words
from sfnwatch.tui.themed_app import ThemedApp
from sfnwatch.tui.views import LANES, Views
from sfnwatch.tui.watched_session import WatchedSession
from sfnwatch.view.markers import Marker
from sfnwatch.view.outline_options import OutlineOptions

_PAINT_REST_FACTOR = 60
"""After painting, the screen rests this many times as long as the painting took."""
_LONGEST_UNPAINTED_SECONDS = 1.2
"""After this many seconds the screen is painted, however long painting takes."""
_REPAINT_AFTER_QUIET_SECONDS = 0.1
"""The screen is painted once nothing has come in for this many seconds."""
_MANY = 2_000
"""After this many new records the garbage collector is told to skip them from then
on."""
_UNBOUND = "<unbound>"
"""Stands in for the keys of an action without any; no terminal sends it."""


class SfnwatchApp(ThemedApp[None]):
    """Shows one session until it is quit."""

    COMMANDS = ThemedApp.COMMANDS | {MarkerProvider}
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings(),
        # A screen's own ctrl+c copies text; here it must end the program.
        Binding("ctrl+c", "quit", "Quit", id="interrupt", show=False, priority=True),
    ]
    # Textual annotates these as neither class nor instance variables.
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-medium"), (200, "-wide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-low"), (12, "-middling"), (30, "-tall")]  # noqa: RUF012

    def __init__(
        self, session: WatchedSession, settings: ScreenSettings, saved: SavedView
    ) -> None:
        super().__init__(settings)
        self.session = session
        self.settings = settings
        self._saved = saved
        self.screen_state = ScreenState(session, settings, _options(saved))
        self.views = Views(self.screen_state)
        self.pace = Pace(self, self.repaint)
        self.player = Player(
            self, self.screen_state, self.views.lanes, self.repaint, self.pace
        )
        self.finder = Finder(self.screen_state, self.views.lanes)
        self.presenter = Presenter(self, self.screen_state, self.views, self.look_anew)
        self.bars = Bars(self.screen_state, self.finder, self.views.lanes)
        self.key_line = KeyLine(
            self.screen_state, self.views, self.finder, settings.keys, self.applies
        )
        self.findings_worker = FindingsWorker(
            self, self.screen_state, partial(self.repaint, time_has_passed=True)
        )
        self.new_ends = NewEnds(self.screen_state)
        self._unfrozen = _MANY
        """Records that have come since the garbage collector was last told to skip
        all."""
        self._theme_before = ""
        self._has_ended = False
        """True once all executions ended while they were watched."""
        self._is_card_due = True
        """True while the end card may still come."""
        self._commands: Mapping[str, Command] = {
            **self.player.commands,
            **self.presenter.commands,
            "player.toggle": self._play_or_step,
            **{f"digit.{n}": partial(self._digit, n) for n in range(10)},
            "move.pane": self.action_focus_next,
            "view.close": self._close_last,
            "lanes.fold_all": self._fold_all,
            "lanes.align": self._align,
            "find.filter": lambda: self.bars.find_bar.ask("filter"),
            "find.search": lambda: self.bars.find_bar.ask("search"),
            "find.next": lambda: self._find(1),
            "find.previous": lambda: self._find(-1),
            "show.theme": self._choose_theme,
            "drain.end": self.session.end_drain,
            "program.help": self._help,
            "program.palette": self.action_command_palette,
            "program.quit": self.exit,
        }

    def compose(self) -> ComposeResult:
        yield self.bars.status
        yield self.bars.banner
        yield Container(self.views, id="body")
        yield self.bars.filter_line
        yield self.bars.find_bar
        yield self.presenter.stage
        yield self.bars.scrubber
        yield self.key_line

    def on_mount(self) -> None:
        user_keys = self.settings.keys.items()
        self.set_keymap({name: ",".join(keys) or _UNBOUND for name, keys in user_keys})
        self.set_interval(1, partial(self.repaint, time_has_passed=True))
        self.views.lanes.focus()
        self._restore()
        if self.settings.present:
            # Before any record comes: a name that was painted once has been seen.
            self.presenter.present()
        self.repaint()
        if self.session.mode == "replay":
            self._watch()
        else:
            # AWS's SDK takes longer to import than the first frame to draw.
            self.call_after_refresh(self._watch)

    def _restore(self) -> None:
        """Filter and search a recording as when it was last viewed."""
        saved = self._saved
        if saved.search:
            self._search_for(saved.search)
        # A saved filter that can't be read any more is ignored: all lines stay.
        with suppress(ValueError):
            self.finder.filter_by(saved.filter)

    @property
    def view_to_save(self) -> SavedView:
        """The viewer's changes to this recording's view, to be restored next time."""
        options = self.screen_state.outline.options
        return SavedView(
            filter=self.finder.filtered,
            search=self.screen_state.searched,
            folded=tuple(sorted(options.closed)),
            opened=tuple(sorted(options.opened)),
            hidden_services=tuple(sorted(options.hidden_services)),
        )

    @work(group="watch", exclusive=True)
    async def _watch(self) -> None:
        self.session.consumers.append(self.consume)
        try:
            await self.session.run()
        except SfnwatchError as refused:
            self.screen_state.refusals = [refused]
        self.screen_state.over = True
        self.screen_state.playback.close()
        self.repaint()

    def consume(self, batch: Batch, changed: Changed) -> None:
        """Take in a batch that is part of the trace by now; it is painted later."""
        is_first = not self.screen_state.items
        self.screen_state.take(batch, changed)
        if not is_first and self.screen_state.playback.live:
            self.views.lanes.flash(changed)
        self._leave_out_of_collections(changed)
        self.pace.show(
            _PAINT_REST_FACTOR, _LONGEST_UNPAINTED_SECONDS, _REPAINT_AFTER_QUIET_SECONDS
        )

    def repaint(self, *, time_has_passed: bool = False) -> None:
        """Paint the moment that is shown, with all that has come in by now."""
        if not self.is_running or not self.screen_stack:
            return
        if time_has_passed and self.pace.is_waiting:
            return  # What has come in is about to be painted.
        if self.screen_state.refresh():
            self.views.show()
        elif time_has_passed:
            self.views.pass_time()
        self._tell_of_the_end()
        self._show_end_card()
        self.player.go_on()
        self.findings_worker.work_if_due()
        self.bars.show()
        self._tell_of_selected()

    def _tell_of_selected(self) -> None:
        """Update the line of keys and, in a talk, the caption of the selected line."""
        self.key_line.redraw()
        self.presenter.tell(self.player.line)

    def _leave_out_of_collections(self, changed: Changed) -> None:
        """Exempt records from garbage collection, since they are kept for good.

        To go through all records of a long history takes longer than a frame.
        """
        self._unfrozen += len(changed.calls) + sum(map(len, changed.events.values()))
        if self._unfrozen >= _MANY and not self.is_headless:
            self._unfrozen = 0
            gc.freeze()

    def _tell_of_the_end(self) -> None:
        execution = self.new_ends.take()
        if execution is not None:
            self._has_ended = True
            words = ending_words(execution, self.screen_state)
            succeeded = execution.status == "SUCCEEDED"
            self.notify(words, severity="information" if succeeded else "error")
            notify(self, self.settings.notify, self.TITLE or "", words)

    def _show_end_card(self) -> None:
        """Show the end card once, if the user only watched until nothing more came."""
        complete = (
            self._has_ended
            and self.screen_state.over
            and not self.screen_state.refusals
        )
        if self._is_card_due and (complete or self.player.played_out):
            self._is_card_due = False
            if self._only_watches:
                self.views.show_view("end")

    @property
    def _only_watches(self) -> bool:
        """True while the user only follows the view that was shown first."""
        follows = self.views.lanes.follow or self.player.leads
        elsewhere = self.views.current != LANES or self.views.is_detailed
        asking = self.finder.active or self.bars.find_bar.display
        is_dialog = len(self.screen_stack) > 1
        return follows and not (elsewhere or asking or is_dialog)

    def look_anew(self) -> None:
        """Show everything again, since names or times are shown differently now."""
        self.screen_state.touch()
        self.repaint()

    @property
    def commands(self) -> Mapping[str, Command]:
        """The commands of the actions that can be done now, by the actions' ids."""
        return {**self._commands, **self.views.commands}

    def action_do(self, name: str) -> None:
        """Do an action of the registry, or notify the user why it does nothing now."""
        why = self._why_not(name)
        if why:
            self.notify(why)
        else:
            self.commands[name]()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action != "do":
            return True
        asking = str(parameters[0]) in {"find.filter", "find.search"}
        return not (asking and (self.bars.find_bar.typing or self.screen.is_modal))

    def applies(self, name: str) -> bool:
        """True if an action does something now."""
        return not self._why_not(name)

    def _why_not(self, name: str) -> str:
        """Return why an action does nothing now; empty if it does something."""
        screen_state = self.screen_state
        snapshot = self.screen_state.snapshot
        if name in SEVERAL and not screen_state.several:
            return "only one execution"
        match name:
            case "view.children" if not (snapshot.children or snapshot.listed):
                return "no child executions"
            case "view.end" if not screen_state.roots:
                return "nothing has come yet"
            case "player.loop" if not screen_state.playback.replay:
                return "only replays can loop"
            case "drain.end" if not self._is_waiting_for_late_records:
                return "not waiting for CloudTrail"
            case "find.next" | "find.previous" if not screen_state.searched:
                return "nothing is searched for: / begins a search"
            case _ if name not in self.commands:
                return whereabouts(name) or "nothing to do here"
            case _:
                return ""

    @property
    def _is_waiting_for_late_records(self) -> bool:
        healths = self.screen_state.snapshot.each_health
        is_draining = any(each.state is HealthState.DRAINING for each in healths)
        return is_draining and self.session.mode != "replay"

    def _help(self) -> None:
        self.push_screen(Help(self.views.groups, self.settings.keys))

    def _play_or_step(self) -> None:
        """Play or pause; in a talk, once all has played, go from finding to finding."""
        if self.presenter.has_steps:
            self.presenter.step()
        else:
            self.player.commands["player.toggle"]()

    def _digit(self, digit: int) -> None:
        """Show or hide a lane; with one lane or in the player, go to a tenth."""
        services = list(self.screen_state.services())
        if self.focused is self.bars.scrubber or digit == 0 or len(services) < 2:  # noqa: PLR2004
            self.screen_state.playback.tenth(digit)
            self.repaint()
        elif digit <= len(services):
            options = self.screen_state.outline.options
            hidden = options.hidden_services ^ {services[digit - 1]}
            self.screen_state.set_options(replace(options, hidden_services=hidden))
            self.look_anew()
        else:
            self.notify(f"there is no lane {digit}")

    def _fold_all(self) -> None:
        self.screen_state.outline.toggle_all()
        self.look_anew()

    def _align(self) -> None:
        options = self.screen_state.outline.options
        self.screen_state.set_options(replace(options, aligned=not options.aligned))
        self.look_anew()
        self.notify("each when it started" if options.aligned else "aligned at start")

    def _close_last(self) -> None:
        """Close or undo one thing: detail, filter, view, talk, or the past."""
        if self.views.is_detailed:
            self.views.show_detail(shown=False)
        elif self.finder.active:
            self.finder.filter_by("")
            self._search_for("")
            self.look_anew()
        elif self.views.current != LANES:
            self.views.show_view(LANES)
        elif self.presenter.presenting:
            self.presenter.present()
        elif not (self.screen_state.playback.live or self.screen_state.playback.replay):
            self.player.commands["player.live"]()

    @on(FindBar.Typed)
    def _found(self, event: FindBar.Typed) -> None:
        if event.kind == "filter":
            self.finder.filter_by(event.text)
        else:
            self._search_for(event.text)
        if event.done:
            self.views.view.focus()
        self.look_anew()

    def _search_for(self, words: str) -> None:
        """Mark the lines that have the words, and go to the first of them."""
        self.finder.search_for(words)
        # A view that goes from hit to hit by itself shows nothing but hits.
        if words and "find.next" not in self.views.commands:
            self._find(0)

    @work(group="find", exclusive=True)
    async def _find(self, direction: int) -> None:
        """Go to the next hit (1) or the one before (-1); 0 stays on a hit."""
        if not await self.finder.step(direction):
            self.notify("not found", severity="warning")

    @on(CursorList.Moved)
    def _moved(self) -> None:
        # A view's last message may arrive when the screens are gone.
        if self.screen_stack:
            self.views.show_selected()
            self._tell_of_selected()
            if self.screen_state.unseen:
                self.repaint()

    @on(CursorList.Opened)
    def _opened(self) -> None:
        self.views.show_detail(shown=True)

    @on(GoTo)
    def _go_to(self, event: GoTo) -> None:
        if not self.views.go_to(event.key):
            self.notify("left out by the filter", severity="warning")

    @on(Seek)
    def _sought(self, event: Seek) -> None:
        self.screen_state.playback.seek(event.at)
        self.repaint()

    def on_notify(self) -> None:
        """Let a toast replace the one before: toasts cover the rows below them."""
        self.clear_notifications()
        # Textual keeps the old toast's holder, which would take a row of its own.
        self.query("ToastHolder").remove()

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Key) and not event.is_forwarded:
            self.presenter.press(key_label(event.key))
        await super().on_event(event)
        if isinstance(event, events.Key):
            # Done by a message, this would come a frame later.
            self.views.keep_together()

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Offer every action by its name, and Textual's own screenshot."""
        for command in super().get_system_commands(screen):
            if command.title == "Screenshot":
                yield command
        pane = self.focused or self.views.lanes
        for action in ACTIONS:
            do: Command = partial(self.action_do, action.id)
            if action.method:
                do = partial(self.call_later, self.run_action, action.method, pane)
                applies = action.pane in ("", self.views.current)
            else:
                applies = self.applies(action.id)
            if applies:
                keys = " ".join(map(key_label, action.keys))
                # Textual reads this as markup, and two of the keys are brackets.
                words = escape(f"{action.words}   {keys}")
                yield SystemCommand(action.title, words, do)

    def jump(self, marker: Marker) -> None:
        """Go to a mark's line; if it is not shown, go to the mark's time first."""
        if not self.views.go_to(marker.key):
            playback = self.screen_state.playback
            playback.stand(marker.when(playback.clock))
            self.repaint()
            self.call_after_refresh(self.views.go_to, marker.key)

    def _choose_theme(self) -> None:
        self._theme_before = self.theme
        self.action_change_theme()

    @on(CommandPalette.OptionHighlighted)
    def _preview_theme(self, event: CommandPalette.OptionHighlighted) -> None:
        prompt = str(event.highlighted_event.option.prompt)
        name = prompt.splitlines()[0].strip()
        if self._theme_before and name in self.available_themes:
            self.theme = name

    @on(CommandPalette.Closed)
    def _theme_chosen(self, event: CommandPalette.Closed) -> None:
        if not event.option_selected and self._theme_before:
            self.theme = self._theme_before
        self._theme_before = ""


def _options(saved: SavedView) -> OutlineOptions:
    return OutlineOptions(
        closed=frozenset(saved.folded),
        opened=frozenset(saved.opened),
        hidden_services=frozenset(saved.hidden_services),
    )
