"""What the reading of an archive has to tell: how far it is, and what it could not."""

from collections.abc import Iterable

from sfnwatch.sources.archive_layout import TrailFile, Window
from sfnwatch.trace.text import clean
from sfnwatch.trace.times import iso

_NAMED = 3
"""Files named at most; the rest are counted."""


class Report:
    """Counts the files, and keeps the names of those that could not be read."""

    def __init__(self) -> None:
        self._total = self._done = 0
        self._files: dict[str, str] = {}
        """Each file that was tried, and what was wrong with it."""
        self._folders: dict[str, str] = {}

    def looked(self, count: int, troubles: Iterable[tuple[str, str]]) -> None:
        """Note a look for new files, and the folders that can't be listed."""
        self._total, self._done = count, 0
        self._folders = dict(troubles)

    def read(self, file: TrailFile, trouble: str) -> None:
        """Note a file that was read, if not to its end."""
        self._done += 1
        self._files[file.place] = trouble

    def unreadable(self, file: TrailFile, why: str) -> None:
        """Note a file of which nothing can be read."""
        self.read(file, why)

    @property
    def files(self) -> int:
        """How many files there were so far."""
        return len(self._files)

    @property
    def turn(self) -> str:
        """Say whose turn it is, in the call log's words."""
        return f"file {self._done + 1} of {self._total}"

    @property
    def progress(self) -> str:
        return f"Reading the trail's files: {self._done} of {self._total}."

    @property
    def troubles(self) -> str:
        """Say what could not be read; empty if all was well."""
        bad = {place: why for place, why in self._files.items() if why}
        sentences = []
        if bad:
            counted = f"{len(bad)} of the trail's {len(self._files)} files"
            sentences.append(f"{counted} could not be read whole: {_named(bad)}.")
        if self._folders:
            counted = f"{len(self._folders)} folder" + "s" * (len(self._folders) > 1)
            sentences.append(f"{counted} could not be listed: {_named(self._folders)}.")
        return " ".join(sentences)


def _named(bad: dict[str, str]) -> str:
    named = [
        f"{clean(place.rpartition('/')[2] or place, 120)}: {clean(why, 200)}"
        for place, why in sorted(bad.items())[:_NAMED]
    ]
    rest = len(bad) - len(named)
    return "; ".join([*named, f"and {rest} more"] if rest else named)


def nothing_found(place: str, window: Window) -> str:
    """Say for what there was no file at all."""
    until = f"to {iso(window.high)}" if window.high else "on"
    return (
        f"No file of a trail in {place} for {', '.join(sorted(window.accounts))}"
        f" in {', '.join(sorted(window.regions))}, delivered from {iso(window.low)}"
        f" {until}. Is it the trail's place, and has the trail these Regions?"
    )
