"""How a recording was last looked at: its filter, its folds.

A view is kept in a file of its own, never in the recording. It is found by what was
recorded: a recording that is moved, renamed or packed keeps its view. A view that can't
be read or written is no error.
"""

import hashlib
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import msgspec
from msgspec import Struct
from platformdirs import user_state_path

from sfnwatch.config.user_folders import user_folder
from sfnwatch.model.times import iso
from sfnwatch.recording.recorder import atomic_write

_VIEW_VERSION = 1
_LARGEST_VIEW = 1 << 20


class SavedView(Struct, frozen=True, kw_only=True):
    """How a recording was last looked at; everything has a default."""

    filter: str = ""
    search: str = ""
    folded: tuple[str, ...] = ()
    """Keys of what was closed although it is open of itself."""
    opened: tuple[str, ...] = ()
    """Keys of what was opened although it is closed of itself."""
    hidden_services: tuple[str, ...] = ()


class _ViewFile(Struct, frozen=True):
    sfnwatch_view: int
    view: SavedView


def view_path(executions: Iterable[str], created: datetime) -> Path:
    """Give the file of a recording's view, wherever the recording lies.

    `executions` and `created` are its header's.
    """
    what = "\n".join((iso(created), *sorted(executions)))
    name = hashlib.sha256(what.encode(errors="surrogatepass")).hexdigest()[:32]
    return user_folder(user_state_path) / "views" / f"{name}.json"


def load_view(path: Path) -> SavedView:
    """Read a view; one that is missing, torn or a later version's is the default."""
    try:
        with path.open("rb") as file:
            stored = msgspec.json.decode(file.read(_LARGEST_VIEW), type=_ViewFile)
    except (OSError, ValueError, RecursionError):
        return SavedView()
    return stored.view if stored.sfnwatch_view == _VIEW_VERSION else SavedView()


def save_view(path: Path, view: SavedView) -> str:
    """Write a view in one step; gives why it could not be, or nothing."""
    try:
        data = msgspec.json.encode(_ViewFile(_VIEW_VERSION, view))
        if len(data) >= _LARGEST_VIEW:
            return "the view is too large to be kept"
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with atomic_write(path) as file:
            file.write(data.decode())
    except OSError as error:
        return error.strerror or str(error)
    except UnicodeEncodeError:
        return "the view has characters that can't be written"
    return ""
