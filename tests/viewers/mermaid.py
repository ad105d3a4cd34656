"""Mermaid, in a page of its own."""

from tests.viewers.browser import Page

_LOAD = """
const {default: mermaid} = await import(args[0] + 'mermaid.esm.min.mjs');
mermaid.initialize({startOnLoad: false, securityLevel: 'strict'});
window.mermaid = mermaid;
"""
_DRAW = """
await mermaid.parse(args[0]);
const {svg} = await mermaid.render('drawing', args[0]);
document.body.innerHTML = svg;
return Array.from(document.querySelectorAll('text, p')).map(e => e.textContent);
"""


def open_mermaid(page: Page, address: str) -> None:
    """Load Mermaid from where its built files are served."""
    page.open(address)
    page.run(_LOAD, address)


def draw(page: Page, source: str) -> list[str]:
    """Draw a diagram; give the words in it. What Mermaid can't read is raised."""
    words: list[str] = page.run(_DRAW, source)
    return words
