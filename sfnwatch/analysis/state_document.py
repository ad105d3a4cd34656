"""A document of the visits to a state: how each went, and what it changed."""

from collections.abc import Iterator, Sequence

from sfnwatch.analysis.document import (
    Block,
    Column,
    Document,
    Heading,
    Items,
    Paragraph,
    Table,
)
from sfnwatch.analysis.names import cleaned_path, named
from sfnwatch.analysis.quantities import plural, spoken, time_of_day
from sfnwatch.analysis.state_changes import state_changes, value_words
from sfnwatch.analysis.statuses import status_words
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.json_difference import Change, PathDifference
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.state_payloads import assignment
from sfnwatch.model.strict_json import NotJsonError, parse_value
from sfnwatch.model.texts import clean
from sfnwatch.model.visits import StateVisit, VisitKey

_MOST_VISITS = 20
"""At most this many visits are in a document; the others are counted."""
_MOST_PATHS = 100
"""At most this many paths of a visit are listed; the others are counted."""
_PATH_LETTERS = 160
_VALUE_LETTERS = 120

VisitOf = tuple[ExecutionAsOf, StateVisit]
"""A visit, and the execution that it belongs to."""


def key_of_visit(visit_of: VisitOf) -> VisitKey:
    """Return what identifies a visit among those of all executions."""
    execution, visit = visit_of
    return execution.arn, visit.id


def visits_to(snapshot: Snapshot, state: str) -> list[VisitOf]:
    """Return the visits to a state, in the order of executions and of entering.

    The state is given by its name, or by the path of a visit, such as
    `Each[3] / Work`. A name means the states of that name in every branch.
    """
    found: list[VisitOf] = []
    for execution in snapshot.executions.values():
        found += [
            (execution, visit)
            for visit in execution.visits
            if state in {visit.name, visit.path, cleaned_path(visit)}
        ]
    return found


def state_document(snapshot: Snapshot, visits: Sequence[VisitOf]) -> Document:
    """Yield a part for each of the first visits, and the number of the others."""
    with_execution = len(snapshot.executions) > 1
    for execution, visit in visits[:_MOST_VISITS]:
        title = cleaned_path(visit)
        if with_execution:
            title = f"{named(execution.name)} › {title}"
        yield Heading(title)
        yield from _visit_blocks(snapshot, execution, visit)
    left_out = len(visits) - _MOST_VISITS
    if left_out > 0:
        yield Heading(f"{plural(left_out, 'more visit')} to this state")
        yield Paragraph("--format json lists all.")


def _visit_blocks(
    snapshot: Snapshot, execution: ExecutionAsOf, visit: StateVisit
) -> Iterator[Block]:
    yield Paragraph(_visit_words(visit), strong=True)
    assigned = assignment(snapshot, execution, visit).values
    if assigned:
        yield Items([_variable_words(name, assigned[name]) for name in assigned])
    changes = state_changes(snapshot, execution, visit)
    yield Paragraph(changes.sentence)
    differences = changes.differences
    if differences:
        yield _changes_table(differences[:_MOST_PATHS])
    left_out = len(differences) - _MOST_PATHS
    if left_out > 0:
        yield Paragraph(f"… and {plural(left_out, 'more path')}.")


def _variable_words(name: str, text: str) -> str:
    try:
        value = value_words(parse_value(text), _VALUE_LETTERS)
    except NotJsonError:
        value = "a value that can't be read"
    return f"sets the variable {named(name)} to {value}"


def _visit_words(visit: StateVisit) -> str:
    """Return a visit's type, its status, its length and its times."""
    begin = visit.entered_at
    status = status_words(visit.status)
    if visit.ended_at is None:
        return f"{named(visit.type)}, {status} since {begin:%Y-%m-%d %H:%M:%S} UTC."
    seconds = (visit.ended_at - begin).total_seconds() - visit.paused
    end = time_of_day(visit.ended_at, begin)
    times = f"{begin:%Y-%m-%d %H:%M:%S} to {end} UTC"
    return f"{named(visit.type)}, {status} after {spoken(seconds)}, {times}."


def _changes_table(differences: Sequence[PathDifference]) -> Table:
    changes = [str(each.change) for each in differences]
    paths = [clean(each.path, _PATH_LETTERS) for each in differences]
    befores = [_before_words(each) for each in differences]
    afters = [_after_words(each) for each in differences]
    return Table(
        (
            Column("Change", changes),
            Column("Path", paths, least=24),
            Column("Input", befores, least=14),
            Column("Output", afters, least=14),
        )
    )


def _before_words(difference: PathDifference) -> str:
    if difference.change is Change.ADDED:
        return ""
    return value_words(difference.before, _VALUE_LETTERS)


def _after_words(difference: PathDifference) -> str:
    if difference.change is Change.REMOVED:
        return ""
    return value_words(difference.after, _VALUE_LETTERS)
