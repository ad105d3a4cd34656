"""Map Runs of photos, of any size."""

from typing import Any

from sfnwatch.demo.scenarios import PLANS, Attempt, Invocation, Scenario

_UNREADABLE = Invocation(0.7, error=("UnreadableImage", "Not a photo: no header"))


def photos(*seconds: float, places: int = 3, **more: Any) -> Scenario:
    """Return a Map Run of photos that take so many seconds; a 0 fails, twice.

    It is the demo's machine for photos, cut down to its Resize state. By default its
    result is kept, and no failure is tolerated.
    """

    def attempts(index: int, taken: float) -> tuple[Attempt, ...]:
        done = Invocation(taken, {"photo": f"P-{101 + index}"})
        return (done,) if taken else (_UNREADABLE, _UNREADABLE)

    whole = PLANS["distributed"].states["Each photo"]
    resize = whole["ItemProcessor"]["States"]["Resize"]
    fields = ("Type", "Resource", "Parameters", "Retry")
    states = {"Resize": {key: resize[key] for key in fields} | {"End": True}}
    each_photo = {key: whole[key] for key in ("Type", "Label", "ItemsPath", "End")}
    each_photo["ItemProcessor"] = whole["ItemProcessor"] | {
        "StartAt": "Resize",
        "States": states,
    }
    return Scenario(
        name="photos",
        machine="resize-photos",
        states={"Each photo": each_photo | {"MaxConcurrency": places} | more},
        input={"photos": [{"id": f"P-{101 + n}"} for n in range(len(seconds))]},
        child_attempts=[{"Resize": attempts(*each)} for each in enumerate(seconds)],
        days_before=(),
    )
