"""The difference of two JSON values: nothing is missed, and every path leads there."""

import json
import re
import tracemalloc
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.model.json_difference import Change, PathDifference, json_difference

_ABSENT = object()
_STEP = re.compile(r"\.([A-Za-z_]\w*)|\[(\d+)\]|\['((?:[^'\\]|\\.)*)'\]", re.DOTALL)
keys = st.sampled_from(["a", "b", "c d", "it's", "", "\\", "0", "a.b", "é"])
values = st.recursive(
    st.none() | st.booleans() | st.integers(0, 2) | st.sampled_from(["", "x", "1"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3)
    ),
    max_leaves=12,
)


def value_at(value: Any, path: str) -> Any:
    """Follow a path; what it leads to, or _ABSENT."""
    assert path.startswith("$")
    place = 1
    while place < len(path):
        step = _STEP.match(path, place)
        assert step is not None, path
        place = step.end()
        plain, index, quoted = step.groups()
        try:
            if index is not None:
                assert isinstance(value, list)
                value = value[int(index)]
            else:
                key = plain if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
                value = value[key]
        except (IndexError, KeyError):
            return _ABSENT
    return value


def shown(differences: list[PathDifference]) -> list[tuple[Any, ...]]:
    return [(each.path, each.change, each.before, each.after) for each in differences]


def is_same(a: Any, b: Any) -> bool:
    return json.dumps(a, sort_keys=True) == json.dumps(b, sort_keys=True)


@given(values, values)
def test_every_path_leads_to_the_two_values(before: Any, after: Any) -> None:
    differences = json_difference(before, after)
    paths = [each.path for each in differences]
    assert len(set(paths)) == len(paths)
    for each in differences:
        old = value_at(before, each.path)
        new = value_at(after, each.path)
        assert (old is _ABSENT) == (each.change is Change.ADDED)
        assert (new is _ABSENT) == (each.change is Change.REMOVED)
        if old is not _ABSENT:
            assert old is each.before
        if new is not _ABSENT:
            assert new is each.after
        assert not is_same(old, new) if each.change is Change.CHANGED else True


@given(values, values)
def test_equal_values_differ_nowhere_and_others_somewhere(
    before: Any, after: Any
) -> None:
    assert json_difference(before, before) == []
    assert (json_difference(before, after) == []) == is_same(before, after)


@given(values, values)
def test_the_other_way_round_what_was_added_is_removed(before: Any, after: Any) -> None:
    turned = {Change.ADDED: Change.REMOVED, Change.REMOVED: Change.ADDED}
    there = {(e.path, e.change) for e in json_difference(before, after)}
    back = {
        (e.path, turned.get(e.change, e.change)) for e in json_difference(after, before)
    }
    assert there == back


def test_what_is_added_as_a_whole_is_one_path() -> None:
    before = {"order": {"id": 1}, "raw": [1, 2], "ok": 1}
    after = {"order": {"id": 1, "a b": {"x": {"y": 1}}}, "raw": [1], "ok": True}
    assert shown(json_difference(before, after)) == [
        ("$.order['a b']", "added", None, {"x": {"y": 1}}),
        ("$.raw[1]", "removed", 2, None),
        ("$.ok", "changed", 1, True),
    ]
    assert json_difference({"n": 1}, {"n": 1.0}) == []
    assert shown(json_difference([], {})) == [("$", "changed", [], {})]


def test_a_long_key_costs_no_path_where_nothing_differs() -> None:
    value = {"k" * 30_000: [1] * 50_000}
    tracemalloc.start()
    assert json_difference(value, value) == []
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5_000_000


def test_values_nested_deep_are_walked() -> None:
    deep: Any = 1
    other: Any = 2
    for _ in range(100_000):
        deep = [deep]
        other = [other]
    (difference,) = json_difference(deep, other)
    assert difference.path == "$" + "[0]" * 100_000
    # Python would free them one inside the other.
    while isinstance(deep, list):
        deep = deep.pop()
        other = other.pop()
