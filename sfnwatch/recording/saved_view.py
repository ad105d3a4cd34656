"""How a recording was last looked at: its filter, its folds.

A view is kept in a file of its own, never in the recording. It is found by the
recording's header, so a recording that is moved, renamed or packed keeps its view. A
view that can't be read or written is no error.
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
    """How a recording was last looked at; every field has a default."""

    filter: str = ""
    search: str = ""
    folded: tuple[str, ...] = ()
    """Keys of rows that the user closed and that are open by default."""
    opened: tuple[str, ...] = ()
    """Keys of rows that the user opened and that are closed by default."""
    hidden_services: tuple[str, ...] = ()


class _ViewFile(Struct, frozen=True):
    sfnwatch_view: int
    view: SavedView


def view_path(executions: Iterable[str], created: datetime) -> Path:
    """Return the path of a recording's view, wherever the recording lies.

    `executions` and `created` are those of the recording's header.
    """
    identity = "\n".join((iso(created), *sorted(executions)))
    digest = hashlib.sha256(identity.encode(errors="surrogatepass"))
    name = digest.hexdigest()[:32]
    return user_folder(user_state_path) / "views" / f"{name}.json"


def load_view(path: Path) -> SavedView:
    """Return the saved view; the default if it is missing, torn or too new."""
    try:
        with path.open("rb") as file:
            stored = msgspec.json.decode(file.read(_LARGEST_VIEW), type=_ViewFile)
    except (OSError, ValueError, RecursionError):
        return SavedView()
    if stored.sfnwatch_view != _VIEW_VERSION:
        return SavedView()
    return stored.view


def save_view(path: Path, view: SavedView) -> str:
    """Write a view in one step; return why that failed, or an empty text."""
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
