"""The end of an execution, told to someone who is looking elsewhere.

A terminal is asked to tell: by its bell, or by a notification of the desktop, for
which terminals have two sequences. What they are given is text from AWS, so nothing
but printable characters may get in, and no `;`, which separates their fields.
"""

from collections.abc import Mapping

from sfnwatch.trace.text import clean

BELL = "\a"
_ESC, _ST = "\x1b", "\x1b\\"
_TITLE, _BODY = 60, 160
"""Notifications are small: longer ones are cut off, or refused, by the desktop."""
_OSC_777 = ("foot", "ghostty", "rxvt", "wezterm", "contour")
"""Terminals that have a title apart from the body; all others get one text."""
_TABLES = str.maketrans({";": ",", "\ufffd": "?"})


def notification(title: str, body: str, environ: Mapping[str, str]) -> str:
    """Write what makes this terminal notify; the bell where it can do no more."""
    if "STY" in environ and "TMUX" not in environ:
        # GNU screen lets no such sequence through.
        return BELL
    names = _names(environ)
    title, body = _field(title, _TITLE), _field(body, _BODY)
    if any(name in names for name in _OSC_777):
        sequence = f"{_ESC}]777;notify;{title};{body}{_ST}"
    elif environ.get("TERM") in {"linux", "dumb"}:
        return BELL
    else:
        sequence = f"{_ESC}]9;{title}: {body}{_ST}"
    return _through_tmux(sequence) if "TMUX" in environ else sequence


def _names(environ: Mapping[str, str]) -> str:
    """Give every name by which a terminal may have made itself known."""
    variables = ("TERM", "TERM_PROGRAM", "LC_TERMINAL")
    return " ".join(environ.get(name, "") for name in variables).lower()


def _field(text: str, limit: int) -> str:
    shown = "".join(
        c if c.isprintable() else " " for c in clean(text).translate(_TABLES)
    )
    return f"{shown[: limit - 1]}…" if len(shown) > limit else shown


def _through_tmux(sequence: str) -> str:
    """Wrap it for tmux, which passes it on where `allow-passthrough` is on."""
    return f"{_ESC}Ptmux;{sequence.replace(_ESC, _ESC * 2)}{_ST}"
