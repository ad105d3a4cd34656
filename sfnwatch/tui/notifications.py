"""Notifications of a terminal: the bell, or a message on the desktop.

A notification is text from AWS, so only printable characters may get in, and no `;`,
which separates its fields.
"""

import os
from collections.abc import Mapping
from typing import Any, Literal

from textual.app import App

from sfnwatch.model.texts import clean

Notify = Literal["off", "bell", "desktop"]
_BELL = "\a"
_ESC = "\x1b"
_ST = "\x1b\\"
_TITLE_LENGTH = 60
"""Most characters of a notification's title: desktops cut or refuse longer ones."""
_BODY_LENGTH = 160
"""Most characters of a notification's text, for the same reason."""
_OSC_777 = ("foot", "ghostty", "rxvt", "wezterm", "contour")
"""Terminals that take a title and a body; all others take one text."""
_TABLES = str.maketrans({";": ",", "\ufffd": "?"})


def notify(app: App[Any], how: Notify, title: str, body: str) -> None:
    """Notify a user who looks elsewhere, by the bell or on the desktop."""
    sent = _BELL if how == "bell" else notification(title, body, os.environ)
    # Textual has no public way to write past the screen.
    driver = app._driver  # noqa: SLF001
    if how != "off" and driver is not None and not app.is_headless:
        driver.write(sent)


def notification(title: str, body: str, environ: Mapping[str, str]) -> str:
    """Return what makes this terminal notify; the bell if it can do no more."""
    no_more = environ.get("TERM") in {"linux", "dumb"}
    if no_more or ("STY" in environ and "TMUX" not in environ):
        # GNU screen passes no such sequence on.
        return _BELL
    variables = ("TERM", "TERM_PROGRAM", "LC_TERMINAL")
    names = " ".join(environ.get(name, "") for name in variables).lower()
    title = _field(title, _TITLE_LENGTH)
    body = _field(body, _BODY_LENGTH)
    if any(name in names for name in _OSC_777):
        sequence = f"{_ESC}]777;notify;{title};{body}{_ST}"
    else:
        sequence = f"{_ESC}]9;{title}: {body}{_ST}"
    if "TMUX" not in environ:
        return sequence
    # tmux passes it on if `allow-passthrough` is on.
    return f"{_ESC}Ptmux;{sequence.replace(_ESC, _ESC * 2)}{_ST}"


def _field(text: str, limit: int) -> str:
    cleaned = clean(text).translate(_TABLES)
    shown = "".join(c if c.isprintable() else " " for c in cleaned)
    return f"{shown[: limit - 1]}…" if len(shown) > limit else shown
