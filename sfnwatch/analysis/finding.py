"""Findings, and the small documents that they make up.

A finding is a sentence with its evidence and its certainty. The document of a report or
a comparison decides once what is said. The writers of text, of Markdown and of the
screen add nothing. All texts are cleaned, and nothing in them is markup.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any

from msgspec import Struct, field

from sfnwatch.model.api_call import CALL_KEY, ApiCall
from sfnwatch.model.arns import last_segment
from sfnwatch.model.ecs_task import TASK_KEY
from sfnwatch.model.texts import clean

MOST = 50
"""The most calls or events that are kept as evidence."""
CONCLUSION = "conclusion"
"""The kind of findings that rest on several executions together."""
Proofs = Iterable[str | ApiCall]
"""What a finding rests on: calls, ids of events, and keys of ECS's task states."""
_NAMED = 3
_ID = 8


class FactOrInference(StrEnum):
    """How sure a sentence is."""

    FACT = "fact"
    """The records alone prove it."""
    INFERENCE = "inference"
    """The sentence is concluded from the records."""


class Finding(Struct, frozen=True):
    """A sentence about a trace, with its certainty and its evidence."""

    kind: str
    certainty: FactOrInference
    text: str
    evidence: tuple[str, ...] = ()
    """The ids of the history events (`#5`) and calls that it rests on. A task state
    from ECS is named by its key: `task#`, the task's ARN, `#` and the version."""
    data: Mapping[str, Any] = field(default_factory=dict)
    """The sentence's figures, such as seconds and counts, as JSON values."""
    execution_arn: str | None = None
    """The execution it is about; None for the trace as a whole."""


def finding(
    kind: str, text: str, proofs: Proofs = (), *, fact: bool = True, **data: Any
) -> Finding:
    """Make a finding from any number of proofs; `data` are its figures."""
    certainty = FactOrInference.FACT if fact else FactOrInference.INFERENCE
    return Finding(kind, certainty, text, evidence(proofs), data)


Steps = Iterator[Finding | None]
"""Findings in the order they are found; None marks where the work may pause."""


def evidence(items: Proofs) -> tuple[str, ...]:
    """Return each id once; of more than `MOST`, the first and the last."""
    ids = (item.event_id if isinstance(item, ApiCall) else item for item in items)
    every = tuple(dict.fromkeys(ids))
    half = MOST // 2
    return every if len(every) <= MOST else (*every[:half], *every[-half:])


def line_key(evidence: str, arn: str | None) -> str:
    """Return the key of the line that a piece of an execution's evidence names."""
    if evidence.startswith("#"):
        return f"{arn}{evidence}"
    return evidence if "#" in evidence else f"{CALL_KEY}{evidence}"


def brief_evidence(evidence: Sequence[str]) -> str:
    """Return evidence in a few words: `#5 #6, 5 calls 1f0c22ab…`; empty if none."""
    events = [clean(item) for item in evidence if item.startswith("#")]
    arns = [i.rpartition("#")[0] for i in evidence if i.startswith(TASK_KEY)]
    tasks = [f"task {clean(last_segment(arn))[:_ID]}" for arn in arns]
    calls = [item for item in evidence if not item.startswith(("#", TASK_KEY))]
    parts = (_few(events), _few(tasks), _calls(calls))
    return ", ".join(part for part in parts if part)


def _few(items: Sequence[str]) -> str:
    more = len(items) - _NAMED
    named = " ".join(items[:_NAMED])
    if more <= 0:
        return named
    return f"{named} and more" if len(items) >= MOST else f"{named} and {more} more"


def _calls(calls: Sequence[str]) -> str:
    if not calls:
        return ""
    first = last_segment(clean(calls[0])).removeprefix("row-")
    short = f"{first[:_ID]}…" if len(first) > _ID + 4 else first
    more = "+" if len(calls) >= MOST else ""
    return f"call {short}" if len(calls) == 1 else f"{len(calls)}{more} calls {short}"


# -- documents -------------------------------------------------------------------------


class Heading(Struct, frozen=True):
    """The heading of the blocks up to the next heading of its level or above."""

    text: str
    level: int = 1


class Paragraph(Struct, frozen=True):
    """A line of prose that needs no evidence."""

    text: str
    strong: bool = False
    """True for the line to read first: how an execution ended."""


class Items(Struct, frozen=True):
    """A list of short lines."""

    lines: Sequence[str]


Sentence = Finding
"""A finding as a block of a document; one after another they form a list."""


class Column(Struct, frozen=True):
    """A column of a table: its head, its cells, and how it makes room."""

    head: str
    cells: Sequence[str]
    right: bool = False
    rank: int = 0
    """Without room, the column of the highest rank is dropped first; rank 0 stays."""
    least: int | None = None
    """The width, in screen cells, to which the column may be cut before any column is
    dropped; None if it is never cut."""


GAP = 2
"""The screen cells between two columns."""


class Table(Struct, frozen=True):
    """Columns of equal length; an empty column is not shown unless its rank is 0."""

    columns: Sequence[Column]

    @property
    def shown(self) -> list[Column]:
        return [c for c in self.columns if any(c.cells) or c.rank == 0]

    def fitted(
        self, room: int, cells: Callable[[str], int]
    ) -> list[tuple[Column, int]]:
        """Return the columns that fit, `GAP` apart, each with its width.

        `room` and the widths are in screen cells; `cells` returns the width of a text.
        """
        columns = self.shown
        while True:
            sizes = [max(map(cells, (c.head, *c.cells))) for c in columns]
            over = sum(sizes) + GAP * (len(sizes) - 1) - room
            for place, column in enumerate(columns):
                if column.least is not None:
                    less = min(over, sizes[place] - column.least)
                    sizes[place] -= max(0, less)
                    over -= max(0, less)
            last = max(columns, key=lambda column: column.rank, default=None)
            if over <= 0 or last is None or not last.rank:
                return list(zip(columns, sizes, strict=True))
            columns.remove(last)


Block = Heading | Paragraph | Items | Sentence | Table


Document = Iterable[Block]
"""Blocks in the order in which they are read."""


def section(text: str, blocks: Sequence[Block], level: int = 2) -> Iterator[Block]:
    """Yield a heading and its blocks; nothing if there are no blocks."""
    if blocks:
        yield Heading(text, level)
        yield from blocks
