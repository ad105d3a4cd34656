"""The names of what is watched, cut to the room there is."""

import re
from collections.abc import Iterator
from os.path import commonprefix

from rich.cells import cell_len

from sfnwatch.model.texts import clean
from sfnwatch.tui.ranked_words import RankedWords, ranked_words
from sfnwatch.tui.screen_state import ScreenState
from sfnwatch.tui.spans import Span
from sfnwatch.view.execution_labels import cut_middle

_NAME_LENGTH = 64
"""Most characters of a name."""
_SHORT_CELLS = 20
"""Cells that a name keeps, where there is little room."""
_MOST_CELLS = 5 * _NAME_LENGTH
_SEPARATOR = " › "
"""Stands between the state machine's name and the execution's."""


def name_words(screen_state: ScreenState) -> Iterator[RankedWords]:
    """Yield the state machine's name and the execution's.

    Of several executions, what their names have in common; before any has come, the
    session's title.
    """
    mask = screen_state.looks.mask
    roots = screen_state.roots
    if not roots:
        # No record has come yet from which names to mask could be learned.
        is_masked = screen_state.looks.masked
        title = "" if is_masked else clean(screen_state.session.title, _NAME_LENGTH)
        yield ranked_words(2, title or "sfnwatch", "role--name")
        return
    # Names are masked first: the masks do not know parts of names.
    machine = _shared({mask(each.state_machine_name or "") for each in roots})
    name = _shared({mask(each.name) for each in roots}) or f"{len(roots)} executions"
    names = _WatchedNames(clean(machine, _NAME_LENGTH), clean(name, _NAME_LENGTH))
    short = names.cut(_SHORT_CELLS // 2 if machine else _SHORT_CELLS)
    rank = 4 if machine else 3
    yield RankedWords(rank, names.cut(_MOST_CELLS), short, fill=names.cut)


class _WatchedNames:
    """The name of a state machine, and of an execution."""

    def __init__(self, machine: str, execution: str) -> None:
        self._machine = machine
        self._execution = execution

    def cut(self, cells: int) -> list[Span]:
        """Cut both names to `cells` cells; with few, the machine's is left out."""
        machine_least = min(_SHORT_CELLS, cell_len(self._machine))
        execution_least = min(_SHORT_CELLS // 2, cell_len(self._execution))
        least = machine_least + len(_SEPARATOR) + execution_least
        if not self._machine or cells < least:
            return [Span(_cut_middle(self._execution, cells), "role--name")]
        room = cells - len(_SEPARATOR)
        machine_cells = max(room - cell_len(self._execution), machine_least)
        execution = _cut_middle(self._execution, room - machine_cells)
        machine = _cut_middle(self._machine, room - cell_len(execution))
        return [Span(f"{machine}{_SEPARATOR}"), Span(execution, "role--name")]


def _cut_middle(name: str, cells: int) -> str:
    """Cut a name in its middle; some letters take two cells."""
    for length in range(cells, 0, -1):
        short = cut_middle(name, length)
        if cell_len(short) <= cells:
            return short
    return ""


def _shared(names: set[str]) -> str:
    """Return the whole words that all names begin with; empty if there are none."""
    if len(names) == 1:
        return names.pop()
    words = [re.split(r"[-_.\s]+", name) for name in names]
    return "-".join(commonprefix(words))  # noqa: RUF071 - of lists of words
