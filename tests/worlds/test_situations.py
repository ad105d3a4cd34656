"""Every situation that misled a match once occurs in the worlds that judge it."""

from collections import Counter
from collections.abc import Iterator

import pytest

from tests.worlds.account import Wish
from tests.worlds.executions import SHARED_NAME, Attempt, Call
from tests.worlds.services import FLEET
from tests.worlds.truth import truths
from tests.worlds.world import World

SEEDS = range(700)
_SHAPES = ("CreateTags", "CreateVolume", "GetItem", "PutItem", "GetObject", "PutObject")


@pytest.fixture(scope="module")
def occurring() -> Counter[str]:
    found: Counter[str] = Counter()
    for seed in SEEDS:
        found.update(_situations(World(Wish.of(seed))))
    return found


def _situations(world: World) -> Iterator[str]:
    """Name the situations that occur in a world."""
    if world.begins:
        yield "a file that begins late"
    if len({world.skew_of(call) for call in world.calls}) > 1:
        yield "a clock of each service"
    for call in world.missing:
        if call.attempt is not None and call.attempt.run.watched:
            yield "an own record missing"
    for truth in truths(world).values():
        yield f"{truth.role} {truth.key or 'not known'}"
    for call in world.calls:
        yield from _of_call(world, call)
    for attempt in world.attempts:
        yield from _of_attempt(world, attempt)


def _of_call(world: World, call: Call) -> Iterator[str]:
    if len(world.ids[call.event_id]) > 1:
        yield "a call under two event ids"
    if call.by == "session" and world.form == "columns":
        yield "a person's session in few columns"
    if call.by == "forwarded":
        yield "a forwarded call"
    if call.name in _SHAPES and call.attempt in world.attempts:
        yield f"the shape of {call.name}"
    machine = call.attempt.run.machine.name if call.attempt else ""
    if machine in {"look-it", "stop-it"}:
        yield machine


def _of_attempt(world: World, attempt: Attempt) -> Iterator[str]:
    cause = "".join(e.details.get("cause", "") for e in world.own_events(attempt))
    others = [c for c in world.calls if c.attempt is not attempt and c.by == "states"]
    if any(c.session in cause for c in others):
        yield "a quoted session"
    if any(c.request_id and c.request_id in cause for c in others):
        yield "a quoted request id"
    like = [c for c in others if c.name == attempt.service.call and c.error is None]
    span = world.spans[attempt.key]
    end = span.end or span.begin
    is_beside = any(span.begin <= call.at <= end for call in like)
    if "connect timed out" in cause and is_beside:
        yield "a call like one that never arrived"
    if attempt.service is FLEET and attempt.sync:
        yield "a job of three tasks"
    if "token" in attempt.words:
        yield "a task token"
    if attempt.state is not None and attempt.state.handed:
        yield "a parameter that others are handed"
    if attempt.words.get("item") == SHARED_NAME:
        yield "a child that several start"


@pytest.mark.parametrize(
    "situation",
    [
        *("a file that begins late", "a clock of each service"),
        *("an own record missing", "a call under two event ids"),
        *("a person's session in few columns", "a forwarded call"),
        *("a quoted session", "a quoted request id"),
        *("a call like one that never arrived", "a job of three tasks"),
        *("a task token", "a parameter that others are handed"),
        *("a child that several start", "look-it", "stop-it"),
        *(f"the shape of {name}" for name in _SHAPES),
        *("action exact", "action strong", "action likely", "action not known"),
        *("poll exact", "poll not known", "stop exact", "stop not known"),
    ],
)
def test_it_occurs(occurring: Counter[str], situation: str) -> None:
    assert occurring[situation] >= 2
