import pytest

from sfnwatch.trace.events import Batch
from sfnwatch.trace.timeline import Trace, extend
from sfnwatch.tui.intake import FRAME, Intake, Pace, Paging, size_of
from tests.builders import sync_run
from tests.tui.runs import long_run


class Seconds:
    """A monotonic clock that a test sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def nowhere(batch: Batch) -> None:
    """Take a batch that a test does not look at."""


def test_the_first_batch_is_due_at_once_and_the_next_a_frame_later() -> None:
    seconds = Seconds()
    intake = Intake(nowhere, seconds)
    assert intake.take(tuple(sync_run()[:2])) == 0
    assert intake.fold()
    assert intake.take(tuple(sync_run()[2:3])) == pytest.approx(FRAME)


def test_batches_of_one_frame_are_folded_together() -> None:
    taken: list[Batch] = []
    intake = Intake(taken.append, Seconds())
    due = [intake.take((record,)) for record in sync_run()]
    assert due[0] is not None
    assert due[1:] == [None] * (len(due) - 1)
    assert intake.fold()
    assert intake.folds == 1
    assert taken == [tuple(sync_run())]
    assert size_of(extend(Trace(), taken[0])) == 8 + 6


def test_with_a_fold_of_its_own_each_batch_is_handed_on_as_it_comes() -> None:
    taken: list[Batch] = []
    folds: list[int] = []
    intake = Intake(taken.append, Seconds(), lambda: folds.append(len(taken)))
    for record in sync_run():
        intake.take((record,))
    assert taken == [(record,) for record in sync_run()]
    assert (folds, intake.pending) == ([], len(taken))
    assert intake.fold()
    assert not intake.fold()
    assert (folds, intake.pending, intake.folds) == ([len(taken)], 0, 1)


def test_nothing_is_folded_when_nothing_came() -> None:
    intake = Intake(nowhere, Seconds())
    assert intake.take(()) is None
    assert not intake.fold()
    assert intake.folds == 0


def test_work_that_takes_long_is_followed_by_a_longer_pause() -> None:
    intake = Intake(nowhere, Seconds())
    intake.spent(0.5)
    assert intake.take(tuple(long_run(1))) == 2


def test_it_is_quiet_when_nothing_has_come_for_a_moment() -> None:
    seconds, quiet = Seconds(), []
    intake = Intake(nowhere, seconds)
    for passed in (0, FRAME, 2 * FRAME):
        if not passed:
            intake.take(tuple(sync_run()))
        seconds.now += passed
        quiet.append(intake.quiet)
    intake.take(tuple(sync_run()))
    assert [*quiet, intake.quiet] == [False, False, True, False]


def test_work_is_due_again_after_some_times_as_long_as_it_took() -> None:
    seconds = Seconds()
    pace = Pace(2, seconds)
    due = [pace.is_due]
    with pace.working():
        seconds.now += 3
    for passed in (0, 5.9, 0.2):
        seconds.now += passed
        due.append(pace.is_due)
    assert due == [True, False, False, True]


@pytest.mark.parametrize(
    ("new", "after", "due"),
    [
        (100, 0.1, False),  # the page before took longer than that
        (100, 1, True),
        (1000, 1, False),  # much more is to come
        (3000, 1, True),
        (1000, 2, True),
    ],
)
def test_of_a_first_load_there_are_few_pages(
    new: int, after: float, *, due: bool
) -> None:
    seconds = Seconds()
    pages = Paging(2, seconds)
    with pages.working():
        seconds.now += 0.1
    seconds.now += after
    assert pages.is_due(1000, new) is due
