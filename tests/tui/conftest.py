"""Pictures that stay the same, and a terminal without settings of the developer's."""

import re

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

_COLORS = ("NO_COLOR", "TEXTUAL_THEME", "COLORFGBG", "FORCE_COLOR")


@pytest.fixture(autouse=True)
def _plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in _COLORS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TZ", "UTC")


class SvgExtension(SingleFileSnapshotExtension):
    """Screens as pictures, a file each."""

    file_extension = "svg"
    _write_mode = WriteMode.TEXT


@pytest.fixture
def picture(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    """Compare what `drawn` gave with a picture of the same name."""
    return snapshot.use_extension(SvgExtension)


def drawn(svg: str) -> str:
    """Take out of a picture what is random, and the names of hosts."""
    svg = re.sub(r",?\s*url\(\"https?://[^)]*\)\s*format\(\"[^\"]*\"\)", "", svg)
    return re.sub(r"terminal-\d+", "terminal", svg)
