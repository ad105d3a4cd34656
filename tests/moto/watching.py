"""Machines that run at once, and what a watch of them says of their calls."""

from collections.abc import Callable

from msgspec import Struct

from sfnwatch.clock import SystemClock
from sfnwatch.model.integrations import parse_execution_arn
from sfnwatch.model.moment import ExecutionAsOf
from sfnwatch.model.trace import Trace
from sfnwatch.sources.live import Live
from sfnwatch.sources.profiles import AwsSettings
from sfnwatch.sources.targets import ChildOptions, LiveOptions
from tests.builders import REGION
from tests.cli.programs import KEYS
from tests.moto import machines as asl
from tests.moto.account import CLUSTER, Account, Made
from tests.moto.trail import BLIND
from tests.program.terminals import eventually
from tests.sources.simulation import Watched

EXACT = {"request-id", "resource-id"}
DRAIN = 2
"""Seconds after the end, by which all records have come."""


async def watch(
    account: Account,
    *arns: str,
    drain: float = DRAIN,
    watched: Watched | None = None,
) -> Watched:
    """Watch executions to their end, or that of what is watched already.

    Whatever else is tested, nothing may be matched that somebody else has made.
    """
    watched = watched or Watched()
    settings = AwsSettings(
        REGION,
        endpoint_url=account.url,
        access_key_id=KEYS["AWS_ACCESS_KEY_ID"],
        secret_access_key=KEYS["AWS_SECRET_ACCESS_KEY"],
    )
    named = [parse_execution_arn(arn) for arn in arns]
    options = LiveOptions(children=ChildOptions(depth=0), drain=drain, tries=3)
    await Live(named, settings, SystemClock(), options).watch(watched)
    told = made_by(watched.trace)
    assert told.items() <= account.made().items(), "each is whose it is said to be"
    assert {made.execution for made in told.values()} <= {*arns}
    return watched


def made_by(trace: Trace) -> dict[str, Made]:
    """Say who made the calls that a trace matches to an attempt, by event id."""
    found = {}
    for event_id, link in trace.links.items():
        if link.key is not None:
            found[event_id] = Made(trace.calls[event_id].event_name, *link.key)
    return found


class Together(Struct, frozen=True):
    """Several executions that ran at once, and the one watch of all of them."""

    account: Account
    arns: dict[str, str]
    watched: Watched

    def execution(self, name: str) -> ExecutionAsOf:
        return self.watched.trace.as_of().executions[self.arns[name]]

    def made(self, name: str) -> list[Made]:
        """Say what one of them made, in the trace's opinion, in its order."""
        trace = self.watched.trace
        found = made_by(trace)
        made = [found.get(call.event_id) for call in trace.ordered_calls]
        return [each for each in made if each and each.execution == self.arns[name]]


Start = Callable[[Account], str]


def _map(account: Account) -> str:
    work = asl.each(asl.run_task("ecs:runTask.sync"), at_once=2)
    machine = account.machine("map", {"Each": work}, "role-map")
    return account.start(machine, given={"items": [1, 2, 3, 4]})


def _breaks(account: Account) -> str:
    """Run a job that fails, twice, and then make calls that fail, twice."""
    sync = asl.run_task("ecs:runTask.sync", family="breaks", Retry=asl.retry(1))
    states = {
        "Work": {**sync, "Catch": asl.catch("Next")},
        "Next": asl.run_task("aws-sdk:ecs:runTask", cluster="no", Retry=asl.retry(1)),
    }
    return account.start(account.machine("breaks", states, "role-breaks"))


def _blind(account: Account) -> str:
    """Run a task that its role may not poll, as in the experiment."""
    states = {"Work": asl.run_task("ecs:runTask.sync")}
    return account.start(account.machine("blind", states, BLIND))


def _looked(account: Account) -> str:
    """Run a task that people look at, too."""
    states = {"Work": asl.run_task("ecs:runTask.sync")}
    arn = account.start(account.machine("looked", states, "role-looked"))

    def tasks() -> list[str]:
        ran = [c for c in account.calls_of(arn) if c["name"] == "RunTask"]
        found: list[str] = account.ecs.list_tasks(cluster=CLUSTER)["taskArns"]
        return found if ran else []

    found = eventually(tasks, "a task")
    account.ecs.describe_tasks(cluster=CLUSTER, tasks=found)
    return arn


STARTS: dict[str, Start] = {
    "looked": _looked,
    "map": _map,
    "breaks": _breaks,
    "blind": _blind,
}
