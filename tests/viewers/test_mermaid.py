"""Sequence diagrams and flowcharts, drawn by Mermaid itself, in a browser."""

import pytest

from tests.export.traces import printed
from tests.viewers.browser import Page
from tests.viewers.mermaid import draw, open_mermaid
from tests.viewers.readers import needs_browser, needs_mermaid
from tests.viewers.traces import EVIL, NAMES, TRIED

pytestmark = [needs_browser, needs_mermaid]


@pytest.fixture(name="drawer")
def _drawer(page: Page, mermaid_files: str) -> Page:
    open_mermaid(page, mermaid_files)
    return page


kinds = pytest.mark.parametrize("kind", ["mermaid", "flowchart"])


def source(kind: str, name: str) -> str:
    return printed(kind, TRIED[name])


@kinds
@pytest.mark.parametrize("name", NAMES)
def test_mermaid_draws_what_we_write(drawer: Page, name: str, kind: str) -> None:
    words = draw(drawer, source(kind, name))
    assert not any("Syntax error" in word or "exceeded" in word for word in words)
    assert words


def test_a_viewer_reads_the_very_words(drawer: Page) -> None:
    words = " ".join(draw(drawer, source("mermaid", "hostile")))
    for part in ("end;#%%{init}%%", '</script><b>"', "$$x$$", "&amp;", "漢字"):
        assert part in EVIL
        assert part in words
