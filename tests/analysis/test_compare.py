"""What two executions have in common, what differs, and where first; how it is told.

What is told of pairs that have a name stands in `compared.txt`, as that of situations
does in theirs.
"""

import io
import json
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfnwatch.analysis.compare.bars import bar, bar_scale
from sfnwatch.analysis.compare.compare import compare
from sfnwatch.analysis.compare.comparison import Comparison
from sfnwatch.analysis.compare.document import comparison_document
from sfnwatch.analysis.compare.rows import compare_rows
from sfnwatch.analysis.phases import Phase
from sfnwatch.export.document_markdown import write_markdown
from sfnwatch.export.document_text import write_text
from sfnwatch.export.json.comparison import comparison_json
from sfnwatch.model.records import Received
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.values import ascii_json
from tests.analysis.compared import (
    COMPARED,
    Steps,
    apart,
    ask,
    both,
    each,
    passes,
    snapshot_of,
    story,
    task,
)
from tests.builders import ARN, OTHER_ARN, SDK, SYNC, at, sync_run
from tests.model.worlds import RECORDINGS, recorded

# -- which visit is which --------------------------------------------------------------


def aligned(a: str, b: str) -> str:
    """Compare runs of a state a letter: `-x` only A, `+x` only B, `~x` has moved."""
    found = []
    for pair in both([passes(*a)], [passes(*b)]).pairs:
        lone = "-" if pair.b is None else "+" if pair.a is None else ""
        found.append(f"{'~' if pair.moved else lone}{pair.visit.name}")
    return " ".join(found)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("abc", "ac", "a -b c"),
        ("ac", "abc", "a +b c"),
        ("abd", "acd", "a -b +c d"),
        ("", "ab", "+a +b"),
        ("cwcwcd", "cwcd", "c w c -w -c d"),
        ("cwcd", "cwcwcd", "c w c +w +c d"),
        ("abcd", "acdb", "a b ~c ~d"),
        ("dabc", "abcd", "d ~a ~b ~c"),
    ],
)
def test_states_are_matched_by_name_and_turn(a: str, b: str, expected: str) -> None:
    assert aligned(a, b) == expected


def test_an_execution_that_is_not_there_is_an_error() -> None:
    snapshot = snapshot_of(sync_run())
    with pytest.raises(KeyError):
        compare((snapshot, ARN), (snapshot, "arn:none"))


def test_each_side_is_as_of_its_own_moment() -> None:
    snapshot = snapshot_of(story(ARN, passes("x", "y")), story(OTHER_ARN, passes("x")))
    found = compare((snapshot.trace.as_of(at(0.5)), ARN), (snapshot, OTHER_ARN))
    assert (found.seconds.a, found.pairs[0].running) == (0.5, True)


def test_how_often_is_told_of_several_polls_alone() -> None:
    def is_first(record: Received) -> bool:
        return not any(b"poll-%d" % number in record.data for number in range(1, 5))

    few, all_ = snapshot_of(filter(is_first, sync_run())), snapshot_of(sync_run())
    told = " ".join(text_of(compare((few, ARN), (all_, ARN))).split())
    assert "A polled once; B polled 5 times, about once a minute" in told


# -- laws ------------------------------------------------------------------------------

NAMES = st.sampled_from("pqrs")
STEPS = st.one_of(
    st.builds(lambda n, s: passes(n, seconds=s), NAMES, st.integers(0, 50)),
    st.builds(
        lambda n, retried, error: task(
            f"t{n}", retried=retried, error=error, caught=True
        ),
        NAMES,
        st.sampled_from(["", "E", "EF"]),
        st.sampled_from([None, "E", "F"]),
    ),
    st.builds(task, st.sampled_from(["Import", "Run"]), st.sampled_from([SYNC, SDK])),
    st.builds(lambda n, some: each(f"m{n}", some), NAMES, st.lists(st.integers(0, 9))),
)
STORIES = st.lists(STEPS, max_size=6)


@settings(max_examples=60)
@given(STORIES)
def test_nothing_differs_from_itself(steps: list[Steps]) -> None:
    found = both(steps, steps)
    assert not found.differences
    assert all(p.seconds.difference == 0 and not p.moved for p in found.pairs)
    assert comparison_json(found)["same"] is True


@settings(max_examples=60)
@given(STORIES, STORIES)
def test_the_other_way_round_all_is_mirrored(a: list[Steps], b: list[Steps]) -> None:
    snapshot = snapshot_of(story(ARN, *a), story(OTHER_ARN, *b))
    there = compare((snapshot, ARN), (snapshot, OTHER_ARN))
    back = compare((snapshot, OTHER_ARN), (snapshot, ARN))

    assert mirrored(there) == mirrored(back, turn=-1)
    assert sum(p.moved for p in there.pairs) == sum(p.moved for p in back.pairs)


def mirrored(found: Comparison, turn: int = 1) -> list[str]:
    return sorted(
        str(
            (
                (p.a and p.a.id, p.b and p.b.id)[::turn],
                (p.seconds.a, p.seconds.b)[::turn],
            )
        )
        for p in found.pairs
    )


# -- recordings ------------------------------------------------------------------------


def compared(one: str, other: str) -> Comparison:
    """Compare the executions of two recordings: `name`, or `name/part of the ARN`."""
    files = {name.partition("/")[0] for name in (one, other)}
    snapshots = {file: snapshot_of(recorded(RECORDINGS[file])) for file in files}

    def chosen(name: str) -> tuple[Snapshot, str]:
        file, _, part = name.partition("/")
        return snapshots[file], next(a for a in snapshots[file].executions if part in a)

    return compare(chosen(one), chosen(other))


WAYS = "demo-three-ways/-"
MACHINE, SAME = "other-machine None", "same-execution None"


@pytest.mark.parametrize(
    ("one", "other", "kinds", "missing", "polls"),
    [
        (f"{WAYS}sync:", f"{WAYS}sdk:", "resource", [MACHINE], (5, 0)),
        (f"{WAYS}sync:", f"{WAYS}async:", "resource", [MACHINE], (5, 0)),
        (f"{WAYS}sync:", f"{WAYS}denied:", "denied", [MACHINE], (5, 5)),
        (f"{WAYS}async:", f"{WAYS}sdk:", "resource", [MACHINE], (0, 0)),
        ("demo-pipeline", "demo-pipeline", "", [SAME], (4, 4)),
        ("demo-redrive", "demo-redrive", "", [SAME], (3, 3)),
        ("demo-failure", "demo-sync", "try status", [MACHINE], (3, 5)),
        ("demo-sync", "demo-sync-denied", "denied", [MACHINE], (5, 5)),
        ("demo-failure", "demo-failure-queue", "", [], (3, 3)),
        ("moto-twice", "moto-twice-lost", "", ["late-calls a"], (0, 0)),
    ],
)
def test_recorded_pairs_differ_as_they_are_known_to(
    one: str, other: str, kinds: str, missing: list[str], polls: tuple[int, int]
) -> None:
    found = compared(one, other)
    assert [each.kind for each in found.differences] == kinds.split()
    assert [f"{gap.kind} {gap.data['side']}" for gap in found.gaps] == missing
    assert (len(found.a.polls.sure), len(found.b.polls.sure)) == polls


# -- lines -----------------------------------------------------------------------------


def labels(found: Comparison, *toggled: str, alike: bool | None = None) -> list[str]:
    return [row.label for row in compare_rows(found, toggled, alike=alike)]


def test_a_line_is_opened_and_folded_by_its_key() -> None:
    key = "Main / ECS RunTask#1"
    assert labels(apart(sync_run(), sync_run(denied=True)), key) == ["ECS RunTask"]
    found = both([ask(1, 300)], [ask(2, 100)])
    assert labels(found, "Main / t#1") == ["t", "working"]
    hardly = both([ask(1, 90)], [ask(3, 90)])
    assert labels(hardly, "Main / t#1") == ["t", "waiting"]


def test_few_states_are_all_shown_and_many_alike_ones_take_a_line() -> None:
    names = [f"s{number}" for number in range(100)]
    few = both([passes(*names[:5])], [passes(*names[:5])])
    assert len(labels(few)) == 5
    assert len(labels(few, alike=True)) == 1
    many = both([passes(*names, "x")], [passes(*names, "y")])
    assert labels(many) == ["⋯ 99 states alike", "s99", "x", "y"]
    assert len(labels(many, "Main / s0#1~alike")) == 103
    assert len(labels(many, alike=False)) == 102


def test_a_crowd_of_iterations_is_one_line_until_it_is_opened() -> None:
    found = both([each("m", [1] * 300)], [each("m", [*[1] * 298, 60])])
    assert labels(found)[1:] == ["300 iterations in A, 299 in B; 1 differs"]
    assert labels(found, "Main / m#1")[2:] == [
        *("⋯ 298 states alike", "[298] Work", "[299] Work")
    ]


def test_bars_are_to_one_scale_and_what_took_time_has_a_cell() -> None:
    found = apart(sync_run(), sync_run())
    (pair,) = found.pairs
    assert bar_scale(found) == pytest.approx(308.99)
    assert bar(pair, "A", bar_scale(found), 100) == [
        (Phase.WORKING, 99),
        (Phase.COMPLETION_LAG, 1),
    ]
    assert sum(cells for _, cells in bar(pair, "B", 1e9, 100)) == 1
    assert bar(pair, "A", 1, 0) == []


# -- the document and its JSON ---------------------------------------------------------


def text_of(found: Comparison, width: int = 100) -> str:
    out = io.StringIO()
    write_text(comparison_document(found), out, width)
    return out.getvalue()


def test_the_table_gives_differences_in_one_notation() -> None:
    found = COMPARED["differences are given in one notation, large and small"]
    lines = [" ".join(line.split()) for line in text_of(found).splitlines()]
    assert "t 5m 00s 1.00 s -4m 59s ×0.0033" in lines
    assert "x 10.0 s 2.00 s -8.00 s ×0.20" in lines


@settings(max_examples=40)
@given(st.text(min_size=1, max_size=20))
def test_whatever_a_state_is_called_nothing_can_act_on_a_reader(name: str) -> None:
    found = both(
        [task(name, error=name, caught=True), passes("\x1b[2J", "\u202e", "|x|")],
        [task(name), passes("z", name)],
    )
    told = json.loads(ascii_json(comparison_json(found)))
    assert told["states"][0]["name_a"] == name
    document = comparison_document(found)
    markdown = io.StringIO()
    write_markdown(document, markdown)
    for text in (text_of(found), markdown.getvalue(), *told["verdict"]):
        spaces = (c for c in text if not c.isprintable() and c != "\n")
        assert {unicodedata.category(c) for c in spaces} <= {"Zs"}
