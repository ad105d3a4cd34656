"""A finding: a sentence with its evidence and its certainty."""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any

from msgspec import Struct, field

from sfnwatch.analysis.evidence import Proofs, evidence

CONCLUSION = "conclusion"
"""The kind of findings that rest on several executions together."""


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
    headline: str = ""
    """What is most worth knowing of it, in few words; empty for most kinds."""


def finding(
    kind: str, text: str, proofs: Proofs = (), *, fact: bool = True, **data: Any
) -> Finding:
    """Make a finding from any number of proofs; `data` are its figures."""
    certainty = FactOrInference.FACT if fact else FactOrInference.INFERENCE
    return Finding(kind, certainty, text, evidence(proofs), data)


Steps = Iterator[Finding | None]
"""Findings in the order they are found; None marks where the work may pause."""
