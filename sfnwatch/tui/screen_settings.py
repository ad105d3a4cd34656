"""The settings that the screen begins with."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from sfnwatch.config.user_themes import UserTheme
from sfnwatch.tui.notifications import Notify


class ScreenSettings(Struct, frozen=True, kw_only=True):
    """The settings that the screen begins with; each has a default."""

    speed: float = 1.0
    theme: str = ""
    local: bool = False
    ascii: bool = False
    present: bool = False
    notify: Notify = "off"
    keys: Mapping[str, tuple[str, ...]] = {}
    """A user's keys, by the ids of actions."""
    own_themes: Sequence[UserTheme] = ()
