"""Calls that an id ties to an attempt: of its request, or of its job."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from sfnwatch.trace.calls import ApiCall
from sfnwatch.trace.link_contenders import (
    ambiguous,
    bystander,
    contenders,
    name_of,
    tie,
)
from sfnwatch.trace.link_index import Index, Key, Name, Suspect, held_by
from sfnwatch.trace.link_windows import all_of, fits
from sfnwatch.trace.links import Link, Rule

_Named = tuple[frozenset[int], Name, str | None]
"""The hashes of the ids of jobs that a call names, its name and its role."""


def exact_links(index: Index, calls: Iterable[ApiCall]) -> dict[str, Link]:
    """Tie those of the calls, by their event ids, that an id ties."""
    found: dict[str, Link] = {}
    held = index.by_mark.keys()
    named: dict[_Named, list[ApiCall]] = defaultdict(list)
    for call in calls:
        asked = held_by(index.by_request.get(call.request_id or ""))
        if len(asked) == 1:
            (suspect,) = asked
            found[call.event_id] = tie(
                suspect, name_of(call), Rule.REQUEST_ID, call.request_id or ""
            )
        elif held and not call.stranger:
            ids = held & memoryview(call.marks).cast("q")
            if ids:
                named[frozenset(ids), name_of(call), call.role].append(call)
    for key, alike in named.items():
        found.update(_by_resource(index, key, alike))
    return found


def _by_resource(
    index: Index, named: _Named, calls: Sequence[ApiCall]
) -> Iterator[tuple[str, Link]]:
    """Tie by the job's id; of several states that hold it, take the one that asked.

    A state that describes another's task has that task's id in its own events too.
    Best is the one that makes such calls and was under way, then one that makes
    such calls, then any.
    """
    ids, _, role = named
    suspects = {
        suspect.key: suspect
        for each in ids
        for suspect in held_by(index.by_mark[each])
        if suspect.role is None or role is None or suspect.role == role
    }
    if len(suspects) == 1:
        (suspect,) = suspects.values()
        link = _tie(suspect, named)
        yield from ((call.event_id, link) for call in calls)
    elif suspects:
        yield from _of_several(suspects, named, calls)


def _of_several(
    suspects: Mapping[Key, Suspect], named: _Named, calls: Sequence[ApiCall]
) -> Iterator[tuple[str, Link]]:
    makers = list(contenders(suspects.values(), named[1]))
    fitting = fits(makers, (call.event_time for call in calls))
    at_least = all_of(makers or map(bystander, suspects.values()))
    made: dict[int, Link] = {}
    for call in calls:
        fit = fitting.get(call.event_time, at_least)
        if id(fit) not in made:
            made[id(fit)] = (
                ambiguous(fit) if fit.count > 1 else _tie(suspects[fit.keys[0]], named)
            )
        yield call.event_id, made[id(fit)]


def _tie(suspect: Suspect, named: _Named) -> Link:
    """Tie by the longest id that both hold; of two as long always by the same."""
    ids, name, _ = named
    both = max(
        (each for each in suspect.ids if hash(each) in ids),
        key=lambda each: (len(each), each),
    )
    return tie(suspect, name, Rule.RESOURCE_ID, both)
