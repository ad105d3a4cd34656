"""What a call's row says in the room there is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.trace.events import Received
from sfnwatch.trace.shape import Fold, Sort
from sfnwatch.trace.shape_tally import Tally
from sfnwatch.trace.values import replace
from sfnwatch.trace.words import Tone, plain
from sfnwatch.tui.cells import cells
from sfnwatch.tui.draw import draw
from sfnwatch.tui.lane_calls import Part, Rank, fit
from sfnwatch.tui.lane_frame import frame
from sfnwatch.tui.lane_line import GUTTER
from sfnwatch.tui.lane_words import fold_pieces
from tests.builders import START, TASK_ARN, call, sync_run
from tests.tui.test_draw import layout_of, screen, two_services, words


def denied_run() -> list[Received]:
    """Build the seed's run with a poll that is refused."""
    error = ("AccessDeniedException", f"no permission on {TASK_ARN}")
    poll = call("DescribeTasks", 40, key="refused", error=error)
    return [*sync_run(), poll]


def parts() -> tuple[Part, ...]:
    """Build a row with all there is to say."""
    said = (
        (Rank.PROOF, "DescribeTasks #1"),
        (Rank.SUBJECT, "  +60 s"),
        (Rank.ERROR, "  ✘ AccessDeniedException"),
        (Rank.PROOF, "  = task ARN"),
        (Rank.STATE, "  Render invoice"),
        (Rank.SECOND, "  at 02:31:59"),
    )
    return tuple(Part(rank, ((text, Tone.PLAIN),)) for rank, text in said)


WHOLE = "DescribeTasks #1  +60 s  ✘ AccessDeniedException  = task ARN"


@pytest.mark.parametrize(
    ("room", "said"),
    [
        (89, f"{WHOLE}  Render invoice  at 02:31:59"),
        (88, f"{WHOLE}  Render invoice"),
        (70, f"{WHOLE}  Render…"),
        (62, WHOLE),
        (59, "DescribeTasks #1  ✘ AccessDeniedException  = task ARN"),
        (42, "DescribeTasks #1  ✘ AccessDen…  = task ARN"),
        (28, "DescribeTasks #1  ✘ AccessD…"),
        (5, "Desc…"),
        (0, ""),
    ],
)
def test_the_proof_is_the_last_to_be_cut(room: int, said: str) -> None:
    assert plain(fit(parts(), room)) == said


@given(st.lists(st.sampled_from(parts())), st.integers(0, 120))
def test_what_is_said_takes_no_more_room_than_there_is(
    some: list[Part], room: int
) -> None:
    said = fit(some, room)
    assert cells(said) <= room
    if sum(cells(part.pieces) for part in some) <= room:
        assert cells(said) == sum(cells(part.pieces) for part in some)


def test_a_refused_call_shows_its_rule_at_every_usual_width() -> None:
    for width in (79, 99, 119, 139):
        (line,) = [line for line in screen(denied_run(), width) if "✘ Acc" in line]
        assert "DescribeTasks" in line
        assert line.endswith("= task ARN"), (width, line)


def test_a_call_in_the_last_lane_begins_further_left_where_it_would_be_cut() -> None:
    layout = layout_of(two_services(), 139)
    shown = frame(layout, 139)
    (line,) = [
        line
        for line in layout.lines
        if line.gutter != GUTTER and line.service == "states.amazonaws.com"
    ]
    whole = words(draw(line, shown))
    assert "  = request id" in whole
    far = replace(shown, lanes={**shown.lanes, "states.amazonaws.com": 60})
    moved = words(draw(line, far))
    assert moved.endswith("▶ StartExecution  = request id")
    assert len(moved) == 139
    assert moved.index("StartExecution") > whole.index("StartExecution")


def test_a_late_badge_is_shortened_and_then_goes_before_the_proof_does() -> None:
    badge = "appeared 7m 39s late"
    for width, end in (
        (79, "= task ARN  appeared 7m 39s late"),
        (72, "= task ARN    7m 39s late"),
        (56, "= task ARN"),
    ):
        layout = layout_of(sync_run(), width)
        drawn = words(draw(layout.lines[5], frame(layout, width), badge=badge))
        assert drawn.endswith(end), drawn


@pytest.mark.parametrize(
    ("seconds", "whole", "words"),
    [
        (59.0, True, "⋯ 3 more, about every 59 s"),
        (59.0, False, "⋯ 3+ more, about every 59 s"),
        (None, False, "⋯ 3+ more"),
    ],
)
def test_of_polls_that_may_be_missing_only_what_is_known_is_told(
    *, seconds: float | None, whole: bool, words: str
) -> None:
    tally = Tally(calls=3)
    fold = Fold(START, "polls", Sort.POLLS, seconds=seconds, whole=whole, tally=tally)
    assert plain(fold_pieces(fold)) == words
