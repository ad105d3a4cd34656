"""For a talk: a sentence on the selected line, and the keys that are pressed.

The back row sees neither the presenter's hands nor what the cursor is about. Once
everything is over, findings are told one by one, each with the lines of its evidence.
"""

from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from msgspec.structs import replace
from textual.app import App
from textual.containers import Horizontal
from textual.timer import Timer

from sfnwatch.analysis.finding import Finding
from sfnwatch.model.arns import account_of
from sfnwatch.tui.actions import Command
from sfnwatch.tui.name_masking import NameMasking
from sfnwatch.tui.rows import Rows
from sfnwatch.tui.screen_state import ScreenState
from sfnwatch.tui.spans import Span
from sfnwatch.tui.themes import stage_theme
from sfnwatch.tui.views import LANES, Views
from sfnwatch.view.line import Line
from sfnwatch.view.outline_items import Item

KEY_SECONDS = 1.6
"""Seconds for which a pressed key is shown."""
_MOST_KEYS = 5
_KEY_LENGTH = 12
"""Most characters of a key's name."""
_MOST_CAPTION_ROWS = 4
_MOST_FINDINGS = 8
"""Most findings that are told, one after the other."""
_LAST_VIEW = "end"
"""The view that follows after the last finding."""
_EXAMPLE_ACCOUNT = "123456789012"
"""The account of AWS's own examples and of the demo: no name in it is secret."""


class Presenter:
    """Masks names, and shows captions and keys for a talk."""

    def __init__(
        self,
        app: App[Any],
        screen_state: ScreenState,
        views: Views,
        look_anew: Callable[[], None],
    ) -> None:
        """`look_anew` shows everything again, since names look different now."""
        self._app = app
        self._screen_state = screen_state
        self._views = views
        self._lanes = views.lanes
        self._look_anew = look_anew
        self._masking = NameMasking(app, screen_state, look_anew)
        self._caption = Rows(most=_MOST_CAPTION_ROWS, id="caption")
        self._caps = Rows(id="caps")
        self.stage = Horizontal(self._caption, self._caps, id="stage")
        """The caption and the keys, below the views."""
        self.stage.display = False
        self._pressed: deque[str] = deque(maxlen=_MOST_KEYS)
        self._fading: Timer | None = None
        self.presenting = False
        self._theme_before = ""
        """The theme before the talk."""
        self._was_masked = False
        """True if names were masked before the talk."""
        self._place: int | None = None
        """The number of the finding that is told, from 0; None while none is."""
        self.commands: Mapping[str, Command] = {
            **self._masking.commands,
            "show.present": self.present,
            "show.zone": self._switch_zone,
        }

    def _switch_zone(self) -> None:
        looks = self._screen_state.looks
        looks = replace(looks, local=not looks.local)
        self._screen_state.looks = looks
        self._look_anew()
        zone = looks.zone(self._screen_state.now)
        where = "your time zone, " if looks.local else ""
        self._app.notify(f"times are in {where}{zone}")

    def present(self) -> None:
        """Begin a talk, or end it: theme and names are then as they were before."""
        self.presenting = not self.presenting
        self._app.set_class(self.presenting, "-presenting")
        self.stage.display = self.presenting
        self._forget_keys()
        self._masking.is_chosen = self._masking.is_on
        if self.presenting:
            self._theme_before = self._app.theme
            self._was_masked = self._masking.is_on
            self._app.theme = stage_theme(dark=self._app.current_theme.dark)
            self._masking.set(on=True)
        else:
            self._app.theme = self._theme_before
            self._masking.set(on=self._was_masked)
            self._tell_no_finding()

    def press(self, key: str) -> None:
        """Show a pressed key; all of them go if no other follows."""
        if not self.presenting:
            return
        self._pressed.append(key)
        if self._fading is not None:
            self._fading.stop()
        self._fading = self._app.set_timer(KEY_SECONDS, self._forget_keys)
        spans: list[Span] = []
        for name in self._pressed:
            spans.append(Span(f" {name[:_KEY_LENGTH]} ", "chip--0"))
            spans.append(Span(" "))
        self._caps.show(spans)
        self._caps.refresh(layout=True)

    def _forget_keys(self) -> None:
        self._pressed.clear()
        self._caps.show()

    def tell(self, lanes_line: Line | None) -> None:
        """Show the caption of a line, unless the finding that is told rests on it.

        Where another view than the lanes is shown, it is the line selected there.
        """
        if not self.presenting:
            return
        if self._masking.is_on and not self._masking.is_chosen and self._is_example:
            self._masking.set(on=False)
        line = lanes_line if self._views.view is self._lanes else self._line_elsewhere()
        if line is not None and line.key in self._lanes.lit:
            return
        self._place = None
        self._lanes.light(self._execution_to_light(line))
        mask = self._screen_state.looks.mask
        self._caption.show([Span(mask(self._caption_of(line)), "role--name")])

    def _caption_of(self, line: Line | None) -> str:
        from sfnwatch.view.captions import caption  # noqa: PLC0415 - seldom

        if line is not None:
            return caption(line, self._screen_state.snapshot)
        return "space: next finding" if self.has_steps else ""

    def _line_elsewhere(self) -> Line | None:
        """Return the line that another view has selected; None if it has none."""
        key = self._views.selected_key
        place = self._screen_state.place_of(key) if key is not None else None
        return self._screen_state.line(place) if place is not None else None

    def _execution_to_light(self, line: Line | None) -> Collection[str]:
        """Return the selected line's execution, if there are several; else nothing.

        Nothing also while the lanes follow, or it plays.
        """
        watches = self._lanes.follow or self._screen_state.playback.playing
        if line is None or line.root_arn is None or watches:
            return frozenset()
        return frozenset({line.root_arn} if self._screen_state.several else ())

    @property
    def _is_example(self) -> bool:
        """True if all that is watched is in the account of demo and examples."""
        accounts = {account_of(arn) for arn in self._screen_state.snapshot.executions}
        return accounts == {_EXAMPLE_ACCOUNT}

    @property
    def has_steps(self) -> bool:
        """True in a talk once nothing is left to play: findings can be told."""
        playback = self._screen_state.playback
        is_over = playback.ended if playback.replay else playback.live
        return self.presenting and is_over and not self._screen_state.snapshot.running

    def step(self) -> None:
        """Tell the next finding, with its lines in view; then show the end card."""
        findings = self._findings_with_lines()
        place = 0 if self._place is None else self._place + 1
        if place >= len(findings):
            self._tell_no_finding()
            self._views.show_view(_LAST_VIEW)
            return
        finding, items = findings[place]
        self._place = place
        self._show_lines(items)
        self._caption.show(self._finding_caption(finding, place, len(findings)))

    def _findings_with_lines(self) -> Sequence[tuple[Finding, Sequence[Item]]]:
        """Return the findings to tell, each with the items that it rests on."""
        from sfnwatch.tui.evidence import evidence_of  # noqa: PLC0415
        from sfnwatch.tui.key_findings import key_findings  # noqa: PLC0415

        findings: list[tuple[Finding, Sequence[Item]]] = []
        for finding in key_findings(self._screen_state, _MOST_FINDINGS):
            evidence = evidence_of(self._screen_state, finding)
            items = [piece.item for piece in evidence if piece.item is not None]
            if items:
                findings.append((finding, items))
        return findings

    def _show_lines(self, items: Sequence[Item]) -> None:
        """Light the lines of some items, and show as many of them as possible."""
        keys = {item.key for item in items}
        for key in tuple(keys):
            line = self._screen_state.outline.line_of(key)
            if line is not None:
                keys.add(line.key)
        self._lanes.light(frozenset(keys))
        if self._views.current != LANES:
            self._views.show_view(LANES)
        # The first line comes last: so as many lines as possible are in view.
        self._views.go_to(items[-1].key)
        self._views.go_to(items[0].key)

    def _finding_caption(self, finding: Finding, place: int, count: int) -> list[Span]:
        from sfnwatch.tui.evidence import CERTAINTIES  # noqa: PLC0415

        spans = [Span(f"{place + 1}/{count}  ", "look--key")]
        chip = self._screen_state.chips().get(finding.execution_arn or "")
        if chip is not None:
            spans += [chip, Span("  ")]
        mask = self._screen_state.looks.mask
        if finding.headline:
            spans += [Span(mask(finding.headline), "role--name"), Span("  ")]
            spans.append(Span(mask(finding.text), "role--dim"))
        else:
            spans.append(Span(mask(finding.text), "role--name"))
        certainty = CERTAINTIES[finding.certainty]
        spans.append(Span(f"   {certainty.text}", certainty.look))
        return spans

    def _tell_no_finding(self) -> None:
        """End the telling of findings, and dim no line."""
        self._place = None
        self._lanes.light(frozenset())
