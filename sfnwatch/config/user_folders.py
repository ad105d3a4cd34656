"""The folders of this user, where there is a home."""

import os
from collections.abc import Callable
from pathlib import Path

NO_HOME = Path(os.devnull) / "no-home"
"""The folder of a user without a home: nothing is in it, nor can be."""


def user_folder(folder: Callable[[str], Path]) -> Path:
    """Return one of the user's folders; `folder` is platformdirs' function for it."""
    try:
        path = folder("sfnwatch")
    except RuntimeError:
        return NO_HOME
    # Before 4.4 platformdirs gives a folder that is called `~` where there is no home.
    return path if path.is_absolute() else NO_HOME
