"""The app: what is pressed, clicked or chosen, and what it does."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import rich
from rich.segment import Segments
from textual import events
from textual.app import SystemCommand
from textual.binding import Binding, BindingType
from textual.markup import escape
from textual.screen import Screen
from textual.widget import Widget

from sfnwatch.errors import SfnwatchError
from sfnwatch.trace.chapters import Chapter
from sfnwatch.trace.values import replace
from sfnwatch.tui.actions import (
    ACTIONS,
    SEVERAL,
    Action,
    Group,
    bindings,
    entries,
    key_name,
)
from sfnwatch.tui.choosing import Choosing
from sfnwatch.tui.jumping import Marks
from sfnwatch.tui.parts import AT_LEISURE
from sfnwatch.tui.staging import Before, staged_theme
from sfnwatch.tui.views import LANES
from sfnwatch.tui.zones import stamp, zone_name

if TYPE_CHECKING:
    from sfnwatch.tui.compare import CompareView
    from sfnwatch.tui.detail import Detail
    from sfnwatch.tui.explain import ExplainView
    from sfnwatch.tui.scrubber import Scrubber
    from sfnwatch.tui.timeline import TimelineView

_MINUTE = 60
_STEP = 5
_ZOOM = 2.0
_PAN = 8

Command = Callable[[], object]


class SfnwatchApp(Choosing):
    """Shows one watch, live or replayed, until it is quit."""

    COMMANDS = Choosing.COMMANDS | {Marks}
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings(),
        # A screen's own ctrl+c copies text; here it must end the program.
        Binding("ctrl+c", "quit", "Quit", id="interrupt", show=False, priority=True),
    ]

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._before: Before | None = None
        """How things were shown before they were presented; None while not."""
        self._commands: Mapping[str, Command] = {
            **{name: self._in_time(do) for name, do in self._player().items()},
            **self._views_and_lanes(),
            **self._records(),
            **self._finding(),
            **self._showing(),
        }

    def on_ready(self) -> None:
        if self._config.present:
            self.present()
        self.set_timer(AT_LEISURE, self._make_ready)

    # -- every action by its id ----------------------------------------------------

    def action_do(self, name: str) -> None:
        """Do an action of the registry."""
        self._commands[name]()

    def _player(self) -> Mapping[str, Command]:
        playing = self._playing
        return {
            "player.toggle": playing.toggle,
            "player.event": lambda: playing.step(1),
            "player.event_back": lambda: playing.step(-1),
            "player.state": lambda: playing.step_state(1),
            "player.state_back": lambda: playing.step_state(-1),
            "player.chapter": lambda: playing.step_chapter(1),
            "player.chapter_back": lambda: playing.step_chapter(-1),
            "player.forward": lambda: playing.skip(_STEP),
            "player.back": lambda: playing.skip(-_STEP),
            "player.forward_more": lambda: playing.skip(_MINUTE),
            "player.back_more": lambda: playing.skip(-_MINUTE),
            "player.faster": playing.faster,
            "player.slower": playing.slower,
            "player.squeeze": self._squeeze,
            "player.clock": playing.switch_clock,
            "player.loop": playing.loop,
            "player.live": self._to_live,
            **{f"digit.{digit}": self._digit(digit) for digit in range(10)},
        }

    def _in_time(self, do: Command) -> Command:
        """Do something to the player, and show what has come of it."""

        def done() -> None:
            do()
            self._moved_in_time()

        return done

    def _squeeze(self) -> None:
        """Squeeze idle time where it is seen: on the timeline, or in the player."""
        if self._views.current == "timeline":
            timeline = self._timeline()
            squeezed = timeline.squeeze = not timeline.squeeze
        else:
            self._playing.squeeze()
            squeezed = self._playing.transport.squeeze
        self._say(f"idle time is {'squeezed' if squeezed else 'as long as it was'}")

    def _to_live(self) -> None:
        self._playing.to_live()
        if not self._playing.replay:
            self._lanes.follow = True

    def _digit(self, digit: int) -> Command:
        """Toggle a service's lane; or, with one lane only, go to a tenth."""

        def pressed() -> None:
            at_player = self.focused is self._scrubber
            if at_player or digit == 0 or len(self._page.services) < 2:  # noqa: PLR2004
                self._playing.tenth(digit)
            elif not self._lanes.toggle_service(digit):
                self._say(f"there is no lane {digit}")

        return pressed

    def _views_and_lanes(self) -> Mapping[str, Command]:
        timeline = self._timeline
        return {
            **{
                view.action: partial(self._show_view, view.name)
                for view in self._table.values()
                if view.action
            },
            "view.detail": self._enter,
            "view.close": self._step_back,
            "move.follow": self._follow,
            "move.pane": self.action_focus_next,
            "lanes.fold": self._toggle_fold,
            "lanes.fold_all": self._toggle_folds,
            "lanes.align": self._align,
            "lanes.execution": lambda: self._step_execution(1),
            "lanes.execution_back": lambda: self._step_execution(-1),
            "timeline.zoom_in": lambda: timeline().zoom(_ZOOM),
            "timeline.zoom_out": lambda: timeline().zoom(1 / _ZOOM),
            "timeline.whole": lambda: timeline().fit(),
            "timeline.selected": lambda: timeline().fit_selected(),
            "timeline.call": lambda: timeline().step_call(1),
            "timeline.call_back": lambda: timeline().step_call(-1),
            "timeline.pan_left": lambda: timeline().pan(-_PAN),
            "timeline.pan_right": lambda: timeline().pan(_PAN),
        }

    def _records(self) -> Mapping[str, Command]:
        return {
            "record.copy": self._copy,
            "record.save": self._save,
            "record.console": self._open_console,
        }

    def _finding(self) -> Mapping[str, Command]:
        return {
            "find.filter": lambda: self._ask("filter"),
            "find.search": lambda: self._ask("search"),
            "find.next": lambda: self._go_to_hit(1),
            "find.previous": lambda: self._go_to_hit(-1),
        }

    def _showing(self) -> Mapping[str, Command]:
        return {
            "show.present": self.present,
            "show.mask": self._mask,
            "show.zone": self._zone,
            "show.theme": self.action_change_theme,
            "drain.end": lambda: self._end_drain and self._end_drain(),
            "program.help": self._help,
            "program.palette": self.action_command_palette,
            "program.quit": self.exit,
        }

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action != "do" or self._can(str(parameters[0]))

    def _can(self, name: str) -> bool:
        """Tell if there is something to do by an action, as things stand."""
        if name in SEVERAL and len(self._known.timelines) < 2:  # noqa: PLR2004
            return False
        view = self._view_of(name)
        if view:
            return view == self._shown.name or (
                view == LANES and self._shown.keyed is not None
            )
        match name:
            case "view.children":
                return bool(self.trace.listed or self._known.children)
            case "drain.end":
                return self._end_drain is not None and self._draining
            case "program.help":
                return self._find.made is None or not self._find.made.open
            case "find.filter" | "find.search":
                return not self._is_typing and not self.screen.is_modal
            case "player.loop":
                return self._playing.replay
        return True

    def _step_back(self) -> None:
        """Undo what was done last to what is shown, one thing at a time."""
        if self._close_last():
            return
        if self._before is not None:
            self.present()
        elif self._playing.position is not None and not self._playing.replay:
            self._in_time(self._to_live)()

    def _mask(self) -> None:
        self.clear_notifications()
        self._look(masked=not self._looks.masked)
        self._say("names are masked" if self._looks.masked else "names are shown")

    def _zone(self) -> None:
        self._look(local=not self._looks.local)
        zone, now = self._looks.zone, self._playing.now
        here = "your zone's, " if self._looks.local else ""
        self._say(f"times are {here}{zone_name(zone, now)}")

    @property
    def _is_typing(self) -> bool:
        """True while the keys are words."""
        return self._find.made is not None and self._find.made.typing

    def _view_of(self, action: str) -> str:
        """Name the view that an action is of, or nothing."""
        name = action.partition(".")[0]
        return name if name in self._table else ""

    # -- what the parts say --------------------------------------------------------

    # Textual finds these by the names of the messages: most parts are loaded later.

    def on_lane_pages_moved(self) -> None:
        # The last word of a view may come when the screens are gone.
        if self.screen_stack:
            self._show_selected()

    on_timeline_view_moved = on_call_log_moved = on_lane_pages_moved
    on_explain_view_moved = on_compare_view_moved = on_lane_pages_moved

    def on_lanes_view_opened(self) -> None:
        self._show_detail(shown=True)

    on_timeline_view_opened = on_call_log_opened = on_lanes_view_opened

    def on_choices_chosen(self) -> None:
        self._open_child()

    def on_detail_jumped(self, event: "Detail.Jumped") -> None:
        self.go_to_row(event.key)

    def on_explain_view_jumped(
        self, event: "ExplainView.Jumped | CompareView.Jumped"
    ) -> None:
        self._show_view(LANES)
        self.go_to_row(event.key)

    on_compare_view_jumped = on_explain_view_jumped

    def on_scrubber_sought(
        self, event: "Scrubber.Sought | TimelineView.Sought"
    ) -> None:
        self._in_time(lambda: self._playing.seek(event.at))()

    on_timeline_view_sought = on_scrubber_sought

    # -- records -------------------------------------------------------------------

    def _copy(self) -> None:
        from sfnwatch.tui.records import records_text

        shown = self._views.current == "requests" or self._is_in_detail
        if self._is_detailed and shown:
            text = self._detail().copy_text()
        elif self._shown.name == "explain":
            text = self._explain().copy_text()
        else:
            text = self._looks.mask(records_text(self.selected_rows))
        if text:
            self.copy_to_clipboard(text)
            self._say(f"copied {len(text):,} characters")
        else:
            self._say("nothing to copy", severity="warning")

    def _save(self) -> None:
        from sfnwatch.tui.saving import save_record

        try:
            path = save_record(
                self.selected_rows, Path.cwd(), mask_is_on=self._looks.masked
            )
        except SfnwatchError as error:
            self._say(str(error), severity="error")
        else:
            # The file's name is made of the execution's, which may be masked.
            masked = "saved to a new file, in which nothing is masked"
            self._say(masked if self._looks.masked else f"saved {path.name}")

    def _open_console(self) -> None:
        from sfnwatch.tui.records import can_browse, console_of

        url = console_of(self.selected_rows, self._page.trace)
        if url is None:
            self._say("The AWS console has no page of this.", severity="warning")
            return
        if can_browse():
            self.open_url(url)
        elif not self._looks.masked:
            self.copy_to_clipboard(url)
        self._say(url, title="AWS console", timeout=10)

    # -- on stage ------------------------------------------------------------------

    def _look(self, *, masked: bool | None = None, local: bool | None = None) -> None:
        looks = self._looks
        changed = replace(
            looks,
            masked=looks.masked if masked is None else masked,
            local=looks.local if local is None else local,
        )
        self._looks = changed.learned(self.trace)
        self._show_looks()
        self._tick()

    def present(self) -> None:
        """Show it for a talk; or, once more, as it was before."""
        before, self._before = self._before, None
        if before is None:
            self._before = Before(self.theme, self._looks.masked)
            theme, masked = staged_theme(dark=self.current_theme.dark), True
        else:
            theme, masked = before.theme, before.masked
        self.theme = theme
        self.screen_stack[0].set_class(self._before is not None, "-presenting")
        self._aside()
        self._caps.clear()
        self.clear_notifications()
        self._look(masked=masked)
        self._show_selected()

    async def on_event(self, event: events.Event) -> None:
        own = isinstance(event, events.Key) and not event.is_forwarded
        if own and isinstance(event, events.Key) and self._before is not None:
            self._caps.press(key_name(event.key))
        await super().on_event(event)

    # -- help and palette ----------------------------------------------------------

    def _help(self) -> None:
        from sfnwatch.tui.help import Help

        alone = len(self._known.timelines) < 2  # noqa: PLR2004 - none, or one
        told = entries(self._config.keys, without=SEVERAL if alone else ())
        recording = self._recording and self._looks.mask(self._recording)
        first = self._groups_here()
        self.push_screen(
            Help(told, first=first, recording=recording, several=not alone)
        )

    @property
    def _is_in_detail(self) -> bool:
        """True while the keys go to what is shown in full."""
        return self.focused is not None and self.focused is self._detail.made

    def _groups_here(self) -> tuple[Group, ...]:
        """Say which actions matter where the keys go just now."""
        if self._is_in_detail:
            return (Group.DETAIL, Group.MOVE)
        if self.focused is self._scrubber:
            return (Group.PLAYER,)
        return self._shown.groups

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Offer every action by its name, and Textual's own picture of the screen."""
        for command in super().get_system_commands(screen):
            if command.title == "Screenshot":
                yield command
        for action in ACTIONS:
            if action.method:
                if action.pane in self._table and action.pane != self._shown.name:
                    continue
                do: Command = self._on_pane(action)
            elif not self.check_action("do", (action.id,)):
                continue
            else:
                do = self._commands[action.id]
            keys = " ".join(map(key_name, action.keys))
            # Textual reads markup here, and two of the keys are brackets.
            yield SystemCommand(action.title, escape(f"{action.words}   {keys}"), do)

    def chapters(self) -> tuple[Chapter, ...]:
        """List the marks of all there is, for the palette."""
        return self._playing.chapters()

    def told(self, chapter: Chapter) -> tuple[str, str]:
        """Say what a mark is, and when it was, as names and times are shown."""
        at = stamp(chapter.at, self._looks.zone)
        return f"Go to: {self._looks.mask(chapter.label)}", f"{chapter.kind}, {at}"

    def jump(self, chapter: Chapter) -> None:
        """Go to a mark: back or on in time, if it is not on the screen."""
        if not self.select_key(chapter.key):
            self._in_time(lambda: self._playing.seek(chapter.at))()
            self.call_after_refresh(self.select_key, chapter.key)

    def _on_pane(self, action: Action) -> Command:
        """Do what a pane does itself, on its keys."""
        pane: Widget = self.focused or self._lanes
        if action.pane:
            own = self._table.get(action.pane)
            pane = own.widget() if own is not None else self._detail()

        async def done() -> None:
            await self.run_action(action.method, pane)

        return lambda: self.call_later(done)

    def _fatal_error(self) -> None:
        # Only a crash needs it, and it needs pygments.
        from rich.traceback import Traceback

        # Textual prints local variables with a crash: they would hold payloads.
        self.bell()
        traceback = Traceback(show_locals=False, width=None, suppress=[rich])
        self._exit_renderables.append(
            Segments(self.console.render(traceback, self.console.options))
        )
        self._close_messages_no_wait()
