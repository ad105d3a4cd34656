"""What a viewer did to a recording: its filter, its folds, the place in it.

Kept in a file of its own, never in the recording, and found by what was recorded, so
that a recording that is moved, renamed or packed keeps its view. A view is a comfort:
one that can't be read or written is no error.
"""

import hashlib
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import msgspec
from platformdirs import user_state_path

from sfnwatch.recording.whole import whole_file
from sfnwatch.trace.times import iso

VERSION = 1
_LARGEST = 1 << 20


class SavedView(msgspec.Struct, frozen=True, kw_only=True):
    """How a recording was last looked at; everything has a default."""

    filter: str = ""
    search: str = ""
    folded: tuple[str, ...] = ()
    """Keys of what was closed although it is open of itself."""
    opened: tuple[str, ...] = ()
    """Keys of what was opened although it is closed of itself."""
    hidden_services: tuple[str, ...] = ()
    squeeze: bool = True
    """True while idle time is drawn short."""
    reading: str = ""
    """Which of the two clocks: as it happened, or as it was seen."""
    aligned: bool = False
    """True where several executions are shown as if all had started at once."""
    view: str = ""
    position: float | None = None
    """Seconds from the recording's beginning; None is its end."""


class _Stored(msgspec.Struct, frozen=True):
    sfnwatch_view: int
    view: SavedView


def views_dir() -> Path:
    """Give the folder of this user's views, which need not exist yet."""
    return user_state_path("sfnwatch") / "views"


def view_path(executions: Iterable[str], created: datetime) -> Path:
    """Give the file of a recording's view, wherever the recording lies."""
    what = "\n".join((iso(created), *sorted(executions)))
    name = hashlib.sha256(what.encode(errors="surrogatepass")).hexdigest()[:32]
    return views_dir() / f"{name}.json"


def load_view(path: Path) -> SavedView:
    """Read a view; one that is missing, torn or a later version's is the default."""
    try:
        with path.open("rb") as file:
            stored = msgspec.json.decode(file.read(_LARGEST), type=_Stored)
    except (OSError, ValueError, RecursionError, msgspec.MsgspecError):
        return SavedView()
    return stored.view if stored.sfnwatch_view == VERSION else SavedView()


def save_view(path: Path, view: SavedView) -> str:
    """Write a view in one step; gives why it could not be, or nothing."""
    try:
        data = msgspec.json.encode(_Stored(VERSION, view))
        if len(data) >= _LARGEST:
            return "the view is too large to be kept"
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with whole_file(path) as file:
            file.write(data.decode())
    except OSError as error:
        return error.strerror or str(error)
    except UnicodeEncodeError:
        return "the view has characters that can't be written"
    return ""
