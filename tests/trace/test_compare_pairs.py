"""Which visit is which: by path and turn, in the order that most of them keep."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from sfnwatch.trace.compare_pairs import align, pair_visits
from sfnwatch.trace.visits import StateVisit
from tests.builders import START
from tests.trace.comparing import A, B, Story, trace_of


def visits(names: str) -> list[StateVisit]:
    """Build a visit for each letter, one after the other."""
    return [
        StateVisit(
            id=number,
            name=name,
            type="Pass",
            parent=None,
            path=f"Main / {name}",
            index=None,
            depth=0,
            entered_at=START + timedelta(seconds=number),
        )
        for number, name in enumerate(names, start=2)
    ]


def told(a: str, b: str) -> str:
    """Tell an alignment: `x` both, `+x` only B, `-x` only A, `~x` moved."""
    signs = []
    for one, other, moved in align(visits(a), visits(b)):
        name = (one or other or visits("?")[0]).name
        lone = "-" if other is None else "+" if one is None else ""
        signs.append(f"{lone or ('~' if moved else '')}{name}")
    return " ".join(signs)


def test_a_state_that_one_side_skips_stands_alone() -> None:
    assert told("abc", "ac") == "a -b c"
    assert told("ac", "abc") == "a +b c"
    assert told("abd", "acd") == "a -b +c d"
    assert told("", "ab") == "+a +b"
    assert told("ab", "") == "-a -b"


def test_a_loop_is_lined_up_turn_by_turn() -> None:
    assert told("cwcwcd", "cwcd") == "c w c -w -c d"
    assert told("cwcd", "cwcwcd") == "c w c +w +c d"


def test_what_comes_in_another_order_has_moved() -> None:
    assert told("abcd", "acdb") == "a ~b c d"
    assert told("dabc", "abcd") == "~d a b c"


@settings(max_examples=50, deadline=None)
@given(st.text("abcd", max_size=12), st.text("abcd", max_size=12))
def test_every_visit_is_in_one_pair(a: str, b: str) -> None:
    in_a, in_b = visits(a), visits(b)
    found = list(align(in_a, in_b))
    assert [one for one, _, _ in found if one is not None] == in_a
    assert sorted(v.id for _, v, _ in found if v is not None) == [v.id for v in in_b]
    steady = [v.id for one, v, moved in found if one and v and not moved]
    assert steady == sorted(steady)
    assert all(one.name == v.name for one, v, _ in found if one and v)


@settings(max_examples=50, deadline=None)
@given(st.text("abcd", max_size=12))
def test_equal_sequences_line_up_whole(names: str) -> None:
    found = list(align(visits(names), visits(names)))
    assert all(one and one == other and not moved for one, other, moved in found)


@settings(max_examples=50, deadline=None)
@given(st.text("abcd", max_size=10), st.text("abcd", max_size=10))
def test_the_other_way_round_the_same_states_are_pairs(a: str, b: str) -> None:
    def pairs(one: str, other: str) -> int:
        found = align(visits(one), visits(other))
        return sum(bool(v and w) for v, w, _ in found)

    assert pairs(a, b) == pairs(b, a)


def test_other_names_are_a_pair_only_where_they_are_alike() -> None:
    found = list(
        align(visits("axc"), visits("ayc"), lambda a, b: (a.name, b.name) == ("x", "y"))
    )
    assert [(v and v.name, w and w.name) for v, w, _ in found] == [
        ("a", "a"),
        ("x", "y"),
        ("c", "c"),
    ]


def test_what_is_inside_stands_behind_its_map_iteration_by_iteration() -> None:
    a = Story(A).map("Each", [1, 1]).passes("Last").ends()
    b = Story(B).map("Each", [1, 1, 1]).passes("Last").ends()
    trace = trace_of(a, b)
    found = pair_visits(trace.timelines[A].visits, trace.timelines[B].visits)
    assert [(m.path, m.index, m.parent) for m in found] == [
        ("Main / Each", None, None),
        ("Main / Each[0] / Work", 0, 0),
        ("Main / Each[1] / Work", 1, 0),
        ("Main / Each[2] / Work", 2, 0),
        ("Main / Last", None, None),
    ]
    assert [m.a is None for m in found] == [False, False, False, True, False]


def test_nesting_as_deep_as_a_history_is_no_trouble() -> None:
    deep = [
        StateVisit(
            id=number,
            name="P",
            type="Parallel",
            parent=number - 1 if number > 2 else None,
            path=f"{number}",
            index=0 if number > 2 else None,
            depth=number - 2,
            entered_at=START,
        )
        for number in range(2, 5_000)
    ]
    found = pair_visits(deep, deep)
    assert len(found) == len(deep)
    assert found[-1].parent == len(deep) - 2
