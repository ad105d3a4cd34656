"""How far CloudTrail has come, by our own calls: no further than the first gap."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.sources.watermark import Watermark
from tests.builders import START


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def made(count: int) -> Watermark:
    """Build a watermark that knows of `count` calls, ten seconds apart."""
    mark = Watermark()
    for number in range(count):
        mark.made(f"r-{number}", after(10 * number))
    return mark


def test_nothing_is_known_before_the_first_own_call_is_delivered() -> None:
    assert Watermark().complete_to(START) is None
    assert made(3).complete_to(after(60)) is None


def test_it_follows_the_calls_that_were_delivered_in_order() -> None:
    mark = made(3)
    mark.seen(["r-0"])
    assert mark.complete_to(after(60)) == after(0)
    mark.seen(["r-1"])
    assert mark.complete_to(after(60)) == after(10)


def test_a_missing_call_holds_it_back_however_much_came_after() -> None:
    mark = made(4)
    mark.seen(["r-0", "r-2", "r-3"])
    assert mark.complete_to(after(60)) == after(10)
    assert mark.oldest_missing == after(10)
    mark.seen(["r-1"])
    assert mark.complete_to(after(60)) == after(30)
    assert mark.oldest_missing is None


def test_a_call_missing_for_a_quarter_of_an_hour_is_given_up() -> None:
    mark = made(3)
    mark.seen(["r-0", "r-2"])
    assert mark.complete_to(after(10 + 899)) == after(10)
    assert mark.complete_to(after(10 + 901)) == after(20)
    assert mark.oldest_missing is None


def test_calls_of_others_and_repeats_change_nothing() -> None:
    mark = made(2)
    mark.seen(["x", "r-0", "r-0", "y"])
    mark.seen(["r-0"])
    assert mark.complete_to(after(60)) == after(0)


@given(st.integers(1, 20), st.data())
def test_all_before_the_watermark_were_delivered(
    count: int, data: st.DataObject
) -> None:
    mark = made(count)
    order = data.draw(st.permutations(range(count)))
    delivered: set[int] = set()
    before = None
    for number in order[: data.draw(st.integers(0, count))]:
        mark.seen([f"r-{number}"])
        delivered.add(number)
        complete = mark.complete_to(after(200))
        assert complete is not None
        assert all(n in delivered for n in range(count) if after(10 * n) < complete)
        assert complete <= after(10 * max(delivered))
        assert before is None or complete >= before
        before = complete
