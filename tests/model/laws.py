"""The laws of the store, for any records in whatever way they come.

Its answers are the same in any order; a moment is as it was then; `Changed` names all
that changed; and links hang together. `test_laws` says of what they are held.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any

from sfnwatch.export.facts import child_facts
from sfnwatch.model.execution_list import UNKNOWN
from sfnwatch.model.linking.link import AttemptKey
from sfnwatch.model.records import Received, RecordKind
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.time_axis import TimeAxis, content_of
from sfnwatch.model.trace import Changed, Trace
from tests.builders import in_order
from tests.model.answers import answers, differences, without_links
from tests.model.worlds import had_come, moment_of, one_by_one

_ANSWERS = {
    *(RecordKind.DESCRIBE, RecordKind.DEFINITION, RecordKind.HEALTH),
    *(RecordKind.MAP_RUN, RecordKind.CHILDREN),
}
"""Of runs of equal ones two are kept: they come in the order they were given."""


def in_batches(records: Sequence[Received], dice: Random) -> Trace:
    trace, left = Trace(), list(records)
    while left:
        size = dice.randint(1, max(1, len(left) // 3))
        trace.add(left[:size])
        left = left[size:]
    return trace


def shuffled(records: Sequence[Received], dice: Random) -> list[Received]:
    """Put records in any order, a third of them twice."""
    found = [*records, *dice.sample(records, len(records) // 3)]
    dice.shuffle(found)
    return found


def is_the_same_in_any_order(records: Sequence[Received], dice: Random) -> None:
    plain = Trace()
    plain.add(records)
    for _ in range(2):
        trace = in_batches(shuffled(records, dice), dice)
        assert not differences(answers(trace.as_of()), answers(plain.as_of()))
        assert trace.own_calls == plain.own_calls


def moments(records: Sequence[Received], clock: TimeAxis) -> list[datetime]:
    """Give the moments at which anything came, and just before."""
    found = {told for r in records if (told := moment_of(r, clock)) is not None}
    return sorted(found | {each - timedelta(milliseconds=1) for each in found})


def out_of_order(records: Sequence[Received], dice: Random) -> list[Received]:
    """Put records in any order, but answers in that of their arrival."""
    told = iter(in_order(r for r in records if r.kind in _ANSWERS))
    found = list(records)
    dice.shuffle(found)
    return [next(told) if each.kind in _ANSWERS else each for each in found]


def stands_as_it_stood(records: Sequence[Received], dice: Random, looks: int) -> None:
    records = list(one_by_one(records))
    trace = in_batches(out_of_order(records, dice), dice)
    for clock in TimeAxis:
        among = moments(records, clock)
        for moment in dice.sample(among, min(looks, len(among))):
            then = Trace()
            then.add(had_come(records, moment, clock))
            stood_so(trace.as_of(moment, clock), then.as_of())


def stood_so(told: Snapshot, known: Snapshot) -> None:
    """Hold a moment against all that was known at it."""
    found, expected = answers(told), answers(known)
    # Of a child nothing is told before its own first record.
    for arn in found["executions"].keys() ^ expected["executions"].keys():
        assert not told.trace.executions[arn].as_of(told.at, told.clock).known
        found["executions"].pop(arn, None)
        expected["executions"].pop(arn, None)
    for arn, each in expected["executions"].items():
        # More follows in the file; where it ends, nobody knows what came of it.
        if each["status"] == UNKNOWN and told.executions[arn].event_count:
            found["executions"][arn]["status"] = UNKNOWN
    where = told.clock, told.at
    assert not differences(without_links(found), without_links(expected)), where
    # Whose a task or a call is, is today's knowledge, if both ends are there.
    assert found["task_states"].keys() >= expected["task_states"].keys()
    for call in told.calls:
        link = told.link(call)
        assert link in {None, told.trace.links.get(call.event_id)}
        assert link is None or link.key is None or told.visit_of(link.key) is not None


def is_told_by_changed(records: Sequence[Received], dice: Random) -> None:
    """Follow a trace, and ask again for nothing but what `Changed` names."""
    trace, left = Trace(), list(records)
    known = asked(trace)
    while left:
        size = dice.randint(1, max(1, len(left) // 4))
        changed = trace.add(left[:size])
        left = left[size:]
        is_named, now = _named_by(changed, trace), asked(trace)
        for section, values in known.items():
            for key in {*values, *now[section]}:
                if key in now[section] and is_named[section](key):
                    values[key] = now[section][key]
                elif is_named[section](key):
                    del values[key]
        assert not differences(known, now)
        links_hang_together(trace)


def links_hang_together(trace: Trace) -> None:
    """No call is matched twice, and both ways of looking give the same."""
    now = trace.as_of()
    shown = {call.event_id for call in now.calls}
    assert trace.links.keys() <= shown
    matched: dict[str, AttemptKey] = {}
    for key, calls in trace.calls_of.items():
        assert calls
        assert list(calls) == sorted(calls, key=lambda c: (c.event_time, c.event_id))
        assert now.attempt(key) is not None
        for call in calls:
            assert call is trace.calls[call.event_id]
            assert matched.setdefault(call.event_id, key) is key
    assert matched == {
        event_id: link.key for event_id, link in trace.links.items() if link.key
    }
    for link in trace.links.values():
        assert all(now.attempt(key) is not None for key in link.candidates)


def asked(trace: Trace) -> dict[str, dict[Any, Any]]:
    """Ask for all there is, each by its key."""
    now = trace.as_of()
    told, sections = answers(now), ("executions", "visits", "events", "calls")
    return {
        **{name: told[name] for name in (*sections, "task_states")},
        "links": dict(trace.links),
        "map_runs": {arn: content_of(run) for arn, run in now.map_runs.items()},
        "children": {arn: child_facts(child) for arn, child in now.listed.items()},
        "healths": dict(now.health),
    }


def _named_by(changed: Changed, trace: Trace) -> dict[str, Callable[[Any], bool]]:
    """Say of each key whether a batch may have changed what it stands for."""
    tasks = {state.task_arn for state in changed.task_states}
    for arn, numbers in changed.visits.items():
        for visit in map(trace.executions[arn].as_of(None).visit, numbers):
            assert visit is not None
            tasks.update(*(attempt.resource_ids for attempt in visit.attempts))
    events = {(arn, e.id) for arn, new in changed.events.items() for e in new}
    visits = {(arn, number) for arn, new in changed.visits.items() for number in new}
    calls = {
        *changed.calls,
        *changed.links,
        *(c.event_id for c in changed.dropped_calls),
    }
    lanes = {health.lane for health in changed.healths}
    assert all(before != after for before, after in changed.links.values())
    assert all(event_id in trace.calls for event_id in changed.calls)
    anew = changed.folded_anew
    return {
        "executions": lambda arn: changed.lineage or arn in changed.executions,
        "visits": lambda key: key in visits or key[0] in anew,
        "events": lambda key: key in events or key[0] in anew,
        "calls": calls.__contains__,
        "links": changed.links.__contains__,
        "map_runs": changed.map_runs.__contains__,
        "children": changed.children.__contains__,
        "healths": lanes.__contains__,
        "task_states": lambda key: key[0] in tasks or bool(anew),
    }
