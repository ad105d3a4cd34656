"""The style sheet selects widgets by the names of their classes."""

import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from textual.app import App
from textual.containers import Horizontal
from textual.dom import DOMNode
from textual.screen import Screen
from textual.widgets import Input, Label

import sfnwatch.tui

SHEET = Path(sfnwatch.tui.__file__).with_name("sfnwatch.tcss")


def selected_types(css: str) -> set[str]:
    """Return the names of classes in the selectors of a sheet."""
    without_comments = re.sub(r"(?s)/\*.*?\*/", "", css)
    names = set[str]()
    for selector in re.findall(r"([^{};]+)\{", without_comments):
        names.update(re.findall(r"(?<![\w.#$:-])[A-Z]\w*", selector))
    return names


def node_names() -> Iterator[str]:
    """Yield the names of our nodes, and of Textual's that the sheet selects."""
    for base in (App, Screen, Horizontal, Input, Label):
        yield base.__name__
    # Textual documents these two for style sheets, and exports no class.
    yield from ("Toast", "ToastRack")
    for module in iter_modules(sfnwatch.tui.__path__):
        values = vars(import_module(f"sfnwatch.tui.{module.name}")).values()
        for value in values:
            if isinstance(value, type) and issubclass(value, DOMNode):
                yield value.__name__


def test_every_type_that_the_sheet_selects_is_a_class() -> None:
    """A class that is renamed would silently lose its style."""
    types = selected_types(SHEET.read_text("utf-8"))
    assert "Views" in types
    unknown = types - set(node_names())
    assert not unknown, f"{SHEET.name} selects {unknown}, which are no classes"


def test_the_types_of_a_selector_are_found() -> None:
    css = """
    /* Lost { } */
    Views.-away #Heads, LanesView:focus > Label { color: $Primary; &.-Bad { x: y; } }
    """
    assert selected_types(css) == {"Views", "LanesView", "Label"}
