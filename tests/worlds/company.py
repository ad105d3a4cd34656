"""Who else makes calls: executions that look after others' jobs, people, and services.

They have the role of those whose jobs they look after, as machines of one team do.
"""

from collections.abc import Iterator
from random import Random
from typing import Protocol

from tests.worlds.executions import (
    Attempt,
    Call,
    Execution,
    Machine,
    Population,
    State,
    uuid,
)


class Noisy(Protocol):
    """What is asked of a wish here."""

    @property
    def noise(self) -> int: ...

    @property
    def few(self) -> bool: ...


# -- executions that look after others' jobs -------------------------------------------


def clean_up(world: Population, dice: Random) -> None:
    """Run a machine that stops another's job.

    What it stops while that runs must have failed then: so it is one that did, a moment
    later, or one that had ended.
    """
    aim = _aim(world, dice)
    if aim is None or not aim.service.stop:
        return
    end = aim.end or _begun(aim)
    after = dice.choice((dice.uniform(0.5, 4), dice.uniform(5, 60)))
    after = dice.choice((after, dice.uniform(60, 240)))
    begin = end - 2.0 if aim.status == "failed" else end + after
    begin = max(begin, _begun(aim) + 0.2)
    run = _visitor(world, aim, "stop", begin, [])
    run.aims = [aim, *_beside(world, aim, begin, dice)]
    run.play()
    run.watched = dice.random() < 0.2


def watch_over(world: Population, dice: Random) -> None:
    """Run a machine that asks for another's job, at a rhythm of its own."""
    aim = _aim(world, dice)
    if aim is None:
        return
    begin = _begun(aim) + dice.choice((0.2, 1.0, 5.0, 50.0))
    least = dice.choice((1.0, 6.0, 20.0, 58.0))
    gaps = [least * dice.uniform(1, 1.15) for _ in range(dice.choice((0, 3, 18)))]
    run = _visitor(world, aim, "look", begin, gaps)
    run.aims = [aim, *_beside(world, aim, begin, dice)]
    run.play()
    run.watched = dice.random() < 0.2


def _begun(attempt: Attempt) -> float:
    return attempt.answered or 0.0


def _jobs(world: Population) -> list[Attempt]:
    tries = (attempt for run in world.executions for attempt in run.attempts)
    return [each for each in tries if each.job and each.service.sdk and _begun(each)]


def _aim(world: Population, dice: Random) -> Attempt | None:
    jobs = _jobs(world)
    # What is waited for is worth looking after.
    waited = [each for each in jobs if each.sync]
    if waited and dice.random() < 0.8:
        return dice.choice(waited)
    return dice.choice(jobs) if jobs else None


def _beside(
    world: Population, aim: Attempt, begin: float, dice: Random
) -> list[Attempt]:
    """Choose others of the kind at once, where that is possible."""
    alike = [
        each
        for each in _jobs(world)
        if each.service.sdk == aim.service.sdk and each is not aim
        if _begun(each) < begin
    ]
    return dice.sample(alike, min(len(alike), dice.choice((0, 0, 1, 2))))


def _visitor(
    world: Population, aim: Attempt, kind: str, begin: float, gaps: list[float]
) -> Execution:
    """Make an execution that asks, or stops, once and again after each gap."""
    owner = aim.run.machine
    states = [State(f"{kind.title()}0", kind, pattern="sdk", foreign=True)]
    for number, gap in enumerate(gaps, 1):
        states.append(State(f"Wait{number}", "wait", seconds=gap))
        name = f"{kind.title()}{number}"
        states.append(State(name, kind, pattern="sdk", foreign=True))
    machine = Machine(
        f"{kind}-it", owner.account, owner.region, owner.role, tuple(states)
    )
    return Execution(machine, begin, world)


# -- calls by others -------------------------------------------------------------------

_OTHERS = {
    "people": ("", ""),
    "session": ("", ""),
    "xray": ("xray", "GetSamplingRules"),
    "agent": ("ecs", "SubmitTaskStateChange"),
    "own": ("cloudtrail", "LookupEvents"),
    "kms": ("kms", "GenerateDataKey"),
    "sts": ("sts", "AssumeRole"),
    "forwarded": ("kms", "Decrypt"),
    "lambda": ("lambda", "InvokeExecution"),
}
"""Who else makes calls, and which; people make the same as Step Functions."""


def noise(world: Population, wish: Noisy, dice: Random) -> Iterator[Call]:
    """Yield the calls of others: people, agents, X-Ray, and this tool itself."""
    made = [call for run in world.executions for a in run.attempts for call in a.calls]
    for call in made:
        if call.name == "Invoke" and call.error is None and dice.random() < 0.3:
            yield _like(call, dice, "lambda")
    kinds = [*_OTHERS][:-1]
    # Where rows do not say which service called, people are taken for it.
    kinds += ["session"] * len(kinds) * wish.few
    for _ in range(wish.noise if made else 0):
        yield _like(dice.choice(made), dice, dice.choice(kinds))


def _like(call: Call, dice: Random, by: str) -> Call:
    """Make a call that is much like another, but by somebody else."""
    source, name = _OTHERS[by]
    same = by in {"people", "session", "lambda"}
    # What a service calls for it has its session, and may have its request id.
    is_forwarded = by == "forwarded"
    own = by not in {"lambda", "forwarded"}
    request = call.request if same else None
    if by == "sts" and call.role is not None:
        # What gives Step Functions its session [inferred from Lambda's].
        request = {"roleArn": call.role.arn, "roleSessionName": call.session}
    # Lambda's own, after an asynchronous Invoke, has that one's request id, too.
    session = {"session": dice.choice(("alice", "debug")), "xray": "xray-daemon-1"}
    return Call(
        at=call.at + dice.uniform(-1, 20) * own,
        source=source or call.source,
        name=name or call.name,
        account=call.account,
        region=call.region,
        role=call.role,
        kind="noise",
        request=request,
        request_id=uuid(dice) if own else call.request_id,
        session=call.session if is_forwarded else session.get(by, "abcdefgh"),
        event_id=uuid(dice),
        by=by,
        forwarder=call.source if is_forwarded else "",
        data=by == "lambda",
    )
