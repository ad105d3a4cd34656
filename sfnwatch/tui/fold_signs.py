"""The sign before a line that can be folded."""

from collections.abc import Mapping

FOLD_SIGNS: Mapping[bool | None, str] = {True: "▾ ", False: "▸ ", None: "  "}
"""By whether a line is open; None is for a line that can't be folded."""
