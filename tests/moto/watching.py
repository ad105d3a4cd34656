"""Machines that run at once, and what a watch of them says of their calls."""

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

from msgspec import Struct

from sfnwatch.clock import SystemClock
from sfnwatch.model.arns import parse_execution_arn
from sfnwatch.model.execution import ExecutionAsOf
from sfnwatch.model.trace import Trace
from sfnwatch.sources.live import Live
from sfnwatch.sources.profiles import AwsSettings
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
_TRUST = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}}


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
    await Live(named, settings, SystemClock(), drain=drain, tries=3).watch(watched)
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


def _asks(account: Account) -> str:
    """Make data events: a message with a task token, and Lambda in both forms.

    Whoever else asks for an answer gets one, too.
    """
    sqs = account.clients["sqs"]
    url = sqs.create_queue(QueueName="asks")["QueueUrl"]
    message = {"QueueUrl": url, "MessageBody": {"token.$": "$$.Task.Token"}}
    function = _function(account)
    states = {
        "Ask": asl.task("sqs:sendMessage.waitForTaskToken", message, Next="Invoke"),
        "Invoke": asl.task("lambda:invoke", {"FunctionName": function}, Next="Old"),
        "Old": {"Type": "Task", "Resource": function, "Next": "Run"},
        "Run": asl.run_task("ecs:runTask"),
    }
    arn = account.start(account.machine("asks", states, "role-asks"))
    for _ in (arn, *account.others[arn]):
        (got,) = eventually(
            lambda: sqs.receive_message(QueueUrl=url).get("Messages"), "a message"
        )
        token = json.loads(got["Body"])["token"]
        account.states.send_task_success(taskToken=token, output="{}")
    return arn


def _function(account: Account) -> str:
    trust = {**_TRUST, "Action": "sts:AssumeRole"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = account.clients["iam"].create_role(
        RoleName="function", AssumeRolePolicyDocument=policy
    )
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("main.py", "def handle(event, context): return event")
    made: dict[str, Any] = account.clients["lambda"].create_function(
        FunctionName="echo",
        Runtime="python3.13",
        Role=role["Role"]["Arn"],
        Handler="main.handle",
        Code={"ZipFile": code.getvalue()},
    )
    return str(made["FunctionArn"])


STARTS: dict[str, Start] = {
    "asks": _asks,
    "looked": _looked,
    "map": _map,
    "breaks": _breaks,
    "blind": _blind,
}
