"""Calls that come in any order are those that sorting all at once gives."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from sfnwatch.trace import ordering
from sfnwatch.trace.calls import ApiCall
from sfnwatch.trace.changes import changes
from sfnwatch.trace.ordering import Ordering
from tests.builders import ROLE, START


def _outline(call: ApiCall) -> tuple[object, ...]:
    return call.event_time, call.event_name, call.error_code, call.role


def _sorted(calls: dict[str, ApiCall]) -> tuple[ApiCall, ...]:
    """Put calls in order, all anew."""
    whole = {_outline(call) for call in calls.values() if call.whole}
    kept = (c for c in calls.values() if c.whole or _outline(c) not in whole)
    return tuple(sorted(kept, key=lambda call: (call.event_time, call.event_id)))


def _call(number: int) -> st.SearchStrategy[ApiCall]:
    return st.builds(
        ApiCall,
        event_id=st.just(f"{number:03}"),
        event_time=st.integers(0, 3).map(lambda s: START + s * timedelta(seconds=1)),
        event_source=st.just("ecs.amazonaws.com"),
        event_name=st.sampled_from(("RunTask", "StopTask")),
        role_arn=st.none() | st.just(ROLE),
        whole=st.booleans(),
    )


@st.composite
def _growth(draw: st.DrawFn) -> list[dict[str, ApiCall]]:
    """Build maps of calls, each grown out of the one before, or not."""
    calls: dict[str, ApiCall] = {}
    maps = []
    for _ in range(draw(st.integers(1, 6))):
        numbers = draw(st.lists(st.integers(0, 20), max_size=8))
        calls = {**calls, **{f"{n:03}": draw(_call(n)) for n in numbers}}
        for gone in draw(st.lists(st.sampled_from([*calls, "-"]), max_size=3)):
            calls.pop(gone, None)
        maps.append(calls)
    return [*maps, *draw(st.permutations(maps))]


@settings(deadline=None)
@given(_growth(), st.sampled_from((0, 2, 64)))
def test_any_growth_is_put_in_order(maps: list[dict[str, ApiCall]], few: int) -> None:
    kept, before = Ordering(), ordering._FEW
    try:
        ordering._FEW = few
        for calls in maps:
            found = kept.order(calls)
            assert found == _sorted(calls)
            assert all(calls[call.event_id] is call for call in found)
            assert kept.order(dict(calls)) is found
    finally:
        ordering._FEW = before


_things = st.lists(st.sampled_from([object() for _ in range(6)]), unique_by=id)


@given(_things, _things, _things, _things)
def test_what_came_and_went_is_told_apart(
    first: list[object], gone: list[object], come: list[object], last: list[object]
) -> None:
    known = set(map(id, first + last))
    first = [each for each in first if id(each) not in set(map(id, last))]
    gone = [each for each in gone if id(each) not in known]
    come = [each for each in come if id(each) not in known]
    old, new = [*first, *gone, *last], [*first, *come, *last]
    lost, found = changes(old, new)
    assert lost == [each for each in gone if each not in come]
    assert found == [each for each in come if each not in gone]
    assert changes(new, new) == ([], [])
