"""Actions on the records behind a line: copy, save, open in the AWS console."""

import contextlib
import sys
from collections.abc import Mapping
from itertools import count
from pathlib import Path

from textual.app import App

from sfnwatch.model.texts import clean
from sfnwatch.recording.recorder import private
from sfnwatch.tui.item_detail import ItemDetail
from sfnwatch.tui.screen_state import ScreenState


class RecordActions:
    """Copies, saves and opens what is selected, in any view."""

    def __init__(
        self, app: App[object], screen_state: ScreenState, key: str | None
    ) -> None:
        """`key` is the key of a line of the lanes; None if none is selected."""
        self._app = app
        self._screen_state = screen_state
        item = screen_state.outline.item_of(key) if key else None
        self._detail = ItemDetail(screen_state, item) if item is not None else None

    def copy(self, text: str) -> None:
        """Copy a text or, if it is empty, the records."""
        if not text and self._detail is not None:
            text = self._screen_state.looks.mask(self._detail.records_text)
        if text:
            self._app.copy_to_clipboard(text)
            self._app.notify(f"copied, {len(text):,} characters")
        else:
            self._app.notify("there is nothing to copy here")

    def save(self, folder: Path) -> None:
        """Write the records to a new file in a folder, unaltered.

        Names in it are never masked. If they are masked on the screen, the file's name
        says that the file's are not.
        """
        detail = self._detail
        masked = self._screen_state.looks.masked
        if detail is None or not detail.records:
            words = "There is no record to save. Select a line of the lanes first."
            self._app.notify(words, severity="warning")
            return
        stem = f"sfnwatch-{detail.file_name}{'-unmasked' if masked else ''}"
        try:
            path = _written(folder, stem, f"{detail.records_text}\n")
        except OSError as error:
            words = f"Can't save to {clean(str(folder))}: {error.strerror or error}."
            words += " Start sfnwatch in a folder that you may write to."
            self._app.notify(words, severity="warning")
            return
        words = f"saved as {clean(str(path))}"
        if masked:
            # The file's name contains the execution's, which is masked.
            words = "saved to a new file, with names unmasked"
        self._app.notify(words)

    def console(self, environ: Mapping[str, str]) -> None:
        """Open the AWS console's page; without a browser, copy its address."""
        url = self._detail.url if self._detail is not None else None
        if url is None:
            self._app.notify("the AWS console has no page for this")
        elif can_browse(environ):
            self._app.open_url(url)
        elif self._screen_state.looks.masked:
            self._app.notify("no browser here; masked, its address is not copied")
        else:
            self._app.copy_to_clipboard(url)
            self._app.notify("no browser here: its address was copied")


def can_browse(environ: Mapping[str, str]) -> bool:
    """True if a browser has a window of its own on this machine.

    Otherwise a browser for terminals may open, in the terminal of sfnwatch.
    """
    is_remote = bool(environ.keys() & {"SSH_CONNECTION", "SSH_TTY"})
    has_display = bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))
    return not is_remote and (has_display or sys.platform in {"darwin", "win32"})


def _written(folder: Path, stem: str, text: str) -> Path:
    """Write a new file that only its owner may read; never overwrite one."""
    for number in count(1):
        path = folder / f"{stem}{f'-{number}' if number > 1 else ''}.json"
        with contextlib.suppress(FileExistsError):
            with open(path, "x", encoding="utf-8", opener=private) as file:
                file.write(text)
            return path
    raise AssertionError  # pragma: no cover - count() has no end
