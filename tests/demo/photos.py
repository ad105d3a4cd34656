"""Small Map Runs, whose every child a test can name."""

from dataclasses import replace  # noqa: TID251 - the demo has no Struct
from typing import Any

from sfnwatch.demo.distributed import distributed
from sfnwatch.demo.plans import Invocation, Scenario

_SECONDS = (31.0, 12.4, 55.8, 17.2, 40.6)
_FAILURE = Invocation(2.0, error=("UnreadableImage", "Not a photo"))


def photos(*seconds: float, places: int = 3, **more: Any) -> Scenario:
    """Return a Map Run of photos that take so many seconds; a 0 fails, twice."""
    plan = distributed(len(seconds), concurrency=places)
    given = [{"id": f"P-{101 + index}"} for index in range(len(seconds))]
    each_photo = dict(plan.states["Each photo"])
    # By default the result is kept, and no failure is borne.
    del each_photo["ResultPath"], each_photo["ToleratedFailurePercentage"]
    tries = [
        (Invocation(taken, {"photo": photo["id"]}),) if taken else (_FAILURE,) * 2
        for taken, photo in zip(seconds, given, strict=True)
    ]
    return replace(
        plan,
        states={"Each photo": each_photo | more},
        items=[{"Resize": each} for each in tries],
        given={"photos": given},
        days_before=(1, 2),
    )


FEW_PHOTOS = replace(photos(*_SECONDS, places=2), name="few-photos")
"""Five that all succeed, two at a time."""
