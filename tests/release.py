"""The notes of a release, out of CHANGELOG.md: `python -m tests.release [VERSION]`.

Without a version it is what is not released yet. They are Markdown for a page of
releases, where a line that is broken in the file would be broken in the text too: each
entry is one line.
"""

import re
import sys
from collections.abc import Sequence
from pathlib import Path

CHANGELOG = Path(__file__).parents[1] / "CHANGELOG.md"
UNRELEASED = "Unreleased"
_ADDRESS = re.compile(r"(?m)^\[[^\]]+\]: .*$")
"""Of a version, which may stand at the end."""


def releases(text: str) -> dict[str, str]:
    """Give the notes of each version of a changelog, the newest first."""
    found = {}
    for section in re.split(r"(?m)^## ", text)[1:]:
        heading, _, notes = section.partition("\n")
        version = heading.partition(" - ")[0].strip("[] ")
        one_line_each = re.sub(r"\n {2}(?=\S)", " ", _ADDRESS.sub("", notes))
        found[version] = one_line_each.strip()
    return found


def main(words: Sequence[str]) -> int:
    """Print the notes of a version."""
    version = words[0] if words else UNRELEASED
    every = releases(CHANGELOG.read_text())
    if len(words) > 1 or version not in every:
        sys.stderr.write(f"No such version; there are: {', '.join(every)}.\n")
        return 2
    sys.stdout.write(f"{every[version]}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
