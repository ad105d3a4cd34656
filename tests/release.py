"""The notes of a release, out of CHANGELOG.md: `python -m tests.release [VERSION]`.

Without a version it is what is not released yet. They are Markdown for a page of
releases, where a line that is broken in the file would be broken in the text too: each
entry is one line.
"""

import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

CHANGELOG = Path(__file__).parents[1] / "CHANGELOG.md"
UNRELEASED = "Unreleased"
KINDS = ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")
"""All that Keep a Changelog has, in its order."""
_NUMBER = r"(?:0|[1-9]\d*)"
_VERSION = re.compile(
    rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?"
)
_HEADING = re.compile(
    r"\[?(?P<version>[^\]\s]+)\]?(?: - (?P<date>\d{4}-\d{2}-\d{2}))?(?: \[YANKED\])?"
)


@dataclass(frozen=True)
class Release:
    """One section: a version, or what is not released yet."""

    version: str
    date: date | None
    changes: dict[str, tuple[str, ...]]
    """The entries of each kind, as Markdown of one line each."""

    @property
    def notes(self) -> str:
        parts = [
            f"### {kind}\n\n" + "".join(f"- {entry}\n" for entry in entries)
            for kind, entries in self.changes.items()
        ]
        return "\n".join(parts)


def releases(text: str) -> list[Release]:
    """Read a changelog, the newest first; raises ValueError with the line."""
    found: list[Release] = []
    kind = ""
    for number, line in _sections(text):
        try:
            if line.startswith("## "):
                found.append(_begun(line.removeprefix("## "), found))
                kind = ""
            elif line.startswith("### "):
                kind = _kind(line.removeprefix("### "), found)
            else:
                _take(line, found, kind)
        except ValueError as error:
            msg = f"CHANGELOG.md:{number}: {error}"
            raise ValueError(msg) from error
    return found


def _sections(text: str) -> Iterator[tuple[int, str]]:
    """Yield the lines from the first section on, but for empty ones."""
    begun = False
    for number, line in enumerate(text.splitlines(), 1):
        begun = begun or line.startswith("## ")
        # The addresses of the versions, which may stand at the end.
        if begun and line.strip() and not re.match(r"\[[^\]]+\]: ", line):
            yield number, line


def _begun(heading: str, before: Sequence[Release]) -> Release:
    match = _HEADING.fullmatch(heading)
    if match is None:
        msg = f"not a version and its date: {heading!r}"
        raise ValueError(msg)
    version = match["version"]
    if version == UNRELEASED:
        if before or match["date"]:
            raise ValueError("what is not released stands first, without a date")
        return Release(version, None, {})
    if not _VERSION.fullmatch(version) or not match["date"]:
        msg = f"not a version and its date: {heading!r}"
        raise ValueError(msg)
    if version in {each.version for each in before}:
        msg = f"{version} for a second time"
        raise ValueError(msg)
    day = date.fromisoformat(match["date"])
    if any(each.date and each.date < day for each in before):
        msg = f"{version} is newer than what stands above it"
        raise ValueError(msg)
    return Release(version, day, {})


def _kind(heading: str, found: Sequence[Release]) -> str:
    if heading not in KINDS:
        msg = f"{heading!r} is none of {', '.join(KINDS)}"
        raise ValueError(msg)
    if heading in found[-1].changes:
        msg = f"{heading} for a second time"
        raise ValueError(msg)
    found[-1].changes[heading] = ()
    return heading


def _take(line: str, found: Sequence[Release], kind: str) -> None:
    """Take an entry, or what goes on of one."""
    if not kind:
        msg = f"under none of {', '.join(KINDS)}: {line!r}"
        raise ValueError(msg)
    entries = found[-1].changes[kind]
    if line.startswith("- "):
        found[-1].changes[kind] = (*entries, line.removeprefix("- ").strip())
    elif line.startswith("  ") and entries:
        found[-1].changes[kind] = (*entries[:-1], f"{entries[-1]} {line.strip()}")
    else:
        msg = f"neither an entry nor the rest of one: {line!r}"
        raise ValueError(msg)


def main(words: Sequence[str]) -> int:
    """Print the notes of a version."""
    version = words[0] if words else UNRELEASED
    every = {each.version: each for each in releases(CHANGELOG.read_text())}
    if len(words) > 1 or version not in every:
        sys.stderr.write(f"No such version; there are: {', '.join(every)}.\n")
        return 2
    sys.stdout.write(every[version].notes)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
