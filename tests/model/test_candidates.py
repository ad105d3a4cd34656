"""Who may have made a call, where there are thousands of either."""

from sfnwatch.model.candidates import Asking, CallGroup
from sfnwatch.model.evidence import SECOND, Window
from sfnwatch.model.integrations import CallRole
from sfnwatch.model.parameters import Leaves

NAME = "ecs.amazonaws.com", "RunTask"
ARN = "arn:execution"


def asking(**told: str) -> Leaves:
    return {path: (path, value) for path, value in told.items()}


def test_of_thousands_of_calls_those_alone_are_compared_that_may_be_alike() -> None:
    calls = [
        ((second * SECOND, f"call-{second}"), asking(cluster=f"c-{second}", kind="X"))
        for second in range(5000)
    ]
    calls.append(((5000 * SECOND, "by-arn"), asking(cluster="arn:aws:ecs:::c-7")))
    calls.append(((5001 * SECOND, "silent"), asking()))
    others, wanted = Asking(calls), asking(cluster="c-7", kind="X")
    assert set(others.like(wanted, 0, None)) == {"call-7", "by-arn", "silent"}
    assert set(others.like(wanted, 0, 100 * SECOND)) == {"call-7"}
    assert not set(others.like(wanted, 8 * SECOND, 100 * SECOND))


def test_calls_that_many_attempts_touch_are_looked_at_once_in_order() -> None:
    group = CallGroup(NAME, "role")
    for second in range(100, 0, -1):
        group.add((second * SECOND, f"call-{second}"), again=False)
    assert len(group.take_touched()) == 100
    for number, (begin, end) in enumerate([(20, 40), (30, 35), (10, 25), (90, None)]):
        last = None if end is None else end * SECOND
        window = Window(CallRole.ACTION, begin * SECOND, last)
        group.set_window((ARN, number), window)
    seconds = [moment // SECOND for moment, _ in group.take_touched()]
    assert seconds == [*range(7, 44), *range(87, 101)]
    assert group.take_touched() == []
