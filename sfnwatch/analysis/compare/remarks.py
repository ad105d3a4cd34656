"""What may explain the differences of a comparison, and what could not be compared."""

from collections.abc import Iterator

from sfnwatch.analysis.compare.comparison import Comparison
from sfnwatch.analysis.compare.definitions import DefinitionChanges
from sfnwatch.analysis.lists import some
from sfnwatch.analysis.names import named
from sfnwatch.analysis.quantities import spoken
from sfnwatch.model.arns import role_name

_STOPPED = (
    "{side}'s duration includes {seconds} in which it was over, until it was redriven."
)


def remarks(comparison: Comparison) -> list[str]:
    """Return what may explain a difference, and what could not be compared."""
    sentences = [gap.text for gap in comparison.gaps]
    if comparison.definitions is not None:
        sentences += _definitions(comparison.definitions)
    for side in comparison.sides:
        seconds = side.execution.stopped_seconds
        if seconds:
            sentences.append(_STOPPED.format(side=side.letter, seconds=spoken(seconds)))
    role_a = comparison.a.execution.role_arn
    role_b = comparison.b.execution.role_arn
    if role_a is not None and role_b is not None and role_a != role_b:
        name_a = named(role_name(role_a) or role_a)
        name_b = named(role_name(role_b) or role_b)
        sentences.append(f"A ran with the role {name_a}, B with {name_b}.")
    if comparison.same_input is False:
        sentences.append("Their inputs differ.")
    return sentences


def _definitions(definitions: DefinitionChanges) -> Iterator[str]:
    """Yield the states in which the definitions differ."""
    if definitions.same:
        yield "Their definitions are the same."
    if definitions.only_a:
        yield f"Only A's definition has {some(map(named, definitions.only_a))}."
    if definitions.only_b:
        yield f"Only B's definition has {some(map(named, definitions.only_b))}."
    if definitions.changed:
        changes = []
        for name, fields in definitions.changed.items():
            field_names = ", ".join(map(named, fields))
            changes.append(f"{named(name)} ({field_names})")
        yield f"The definitions differ in {some(changes)}."
    elif definitions.outside and not (definitions.only_a or definitions.only_b):
        yield "The definitions differ outside their states."
