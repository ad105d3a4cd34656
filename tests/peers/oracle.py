"""What a history says of itself, read by counting: no chain is followed.

Good for recordings in which no two Map or Parallel states run side by side.
"""

from collections import Counter
from typing import Any

Events = list[dict[str, Any]]

ENDS = {
    "ExecutionSucceeded": "SUCCEEDED",
    "ExecutionFailed": "FAILED",
    "ExecutionAborted": "ABORTED",
}
_FAILURES = ("Failed", "TimedOut")


def in_order(events: Events) -> Events:
    return sorted(events, key=lambda event: int(event["id"]))


def entered(events: Events) -> dict[int, tuple[str, str]]:
    """Give each …StateEntered's id, with the state's name and type."""
    return {
        event["id"]: (event["stateEnteredEventDetails"]["name"], _type(event))
        for event in in_order(events)
        if event["type"].endswith("StateEntered")
    }


def exits(events: Events) -> Counter[tuple[str, str, str]]:
    """Count the …StateExited by name, type, and whether a failure was before it."""
    types = {event["id"]: event["type"] for event in events}
    return Counter(
        (
            event["stateExitedEventDetails"]["name"],
            _type(event),
            "caught"
            if types.get(event["previousEventId"], "").endswith(_FAILURES)
            else "succeeded",
        )
        for event in events
        if event["type"].endswith("StateExited")
    )


def attempts(events: Events) -> list[int]:
    return [e["id"] for e in in_order(events) if e["type"].endswith("Scheduled")]


def failed_attempts(events: Events) -> int:
    """Count the tries' own failures, which are no state's and no execution's."""
    tries = ("Task", "LambdaFunction", "Activity")
    return sum(
        event["type"].startswith(tries)
        and event["type"].endswith(_FAILURES)
        and "State" not in event["type"]
        for event in events
    )


def parents(events: Events) -> dict[int, int | None]:
    """Give each visit the innermost Map or Parallel that was open around it."""
    open_: list[tuple[int, str]] = []
    found: dict[int, int | None] = {}
    for event in in_order(events):
        if event["type"].endswith("StateEntered"):
            found[event["id"]] = open_[-1][0] if open_ else None
            if _type(event) in {"Map", "Parallel"}:
                name = event["stateEnteredEventDetails"]["name"]
                open_.append((event["id"], name))
        elif event["type"] in {"MapStateExited", "ParallelStateExited"}:
            open_.pop()
    return found


def status(events: Events) -> str:
    return ENDS.get(in_order(events)[-1]["type"], "RUNNING")


def _type(event: dict[str, Any]) -> str:
    kind: str = event["type"]
    return kind.removesuffix("StateEntered").removesuffix("StateExited")
