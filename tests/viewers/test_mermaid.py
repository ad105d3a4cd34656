"""Sequence diagrams, read and drawn by Mermaid itself, in a browser."""

from io import StringIO

import pytest

from sfnwatch.export.mermaid import dump
from tests.viewers.browser import Page
from tests.viewers.mermaid import draw, open_mermaid
from tests.viewers.readers import needs_browser, needs_mermaid
from tests.viewers.traces import EVIL, TRACES

pytestmark = [needs_browser, needs_mermaid]


@pytest.fixture(name="drawer")
def _drawer(page: Page, mermaid_files: str) -> Page:
    open_mermaid(page, mermaid_files)
    return page


def source(name: str) -> str:
    out = StringIO()
    dump(TRACES[name], out)
    return out.getvalue()


@pytest.mark.parametrize("name", TRACES)
def test_mermaid_draws_what_we_write(drawer: Page, name: str) -> None:
    words = draw(drawer, source(name))
    assert not any("Syntax error" in word or "exceeded" in word for word in words)
    assert words


def test_a_viewer_reads_the_very_words(drawer: Page) -> None:
    words = " ".join(draw(drawer, source("hostile")))
    for part in ("end;#%%{init}%%", '</script><b>"', "$$x$$", "&amp;", "漢字"):
        assert part in EVIL
        assert part in words


def test_mermaid_would_have_choked_on_the_words_as_they_are(drawer: Page) -> None:
    text = "sequenceDiagram\nparticipant a\nNote over a: one; two\n"
    with pytest.raises(RuntimeError):
        draw(drawer, text)
