"""Reads ARNs and other names in AWS, as people paste them."""

import re
from functools import lru_cache
from urllib.parse import unquote

from msgspec import Struct

_RANDOM = re.compile(r"[0-9a-f-]{32,36}")
_ACCOUNT = re.compile(r"arn:[^:]*:[^:]*:[^:]*:([^:]+):")
_ARN = re.compile(
    r"arn:(?P<partition>aws[a-z-]*):states:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):"
    r"(?P<kind>execution|express|stateMachine|mapRun|activity):(?P<rest>[^\s?&]+)"
)


class StatesArn(Struct, frozen=True):
    """`arn:aws:states:REGION:ACCOUNT:…`, and its partition, Region and account."""

    arn: str
    partition: str
    region: str
    account: str


class ExecutionArn(StatesArn, frozen=True):
    """`…:execution:STATE_MACHINE:NAME`."""

    kind: str
    """`execution`, or `express` for an execution whose history AWS does not keep."""
    state_machine_name: str
    name: str
    """For an Express execution with its id after it, since a name may be used again."""

    @property
    def is_express(self) -> bool:
        return self.kind == "express"

    @property
    def is_of_map_run(self) -> bool:
        return "/" in self.state_machine_name

    @property
    def state_machine_arn(self) -> str:
        head = f"arn:{self.partition}:states:{self.region}:{self.account}"
        return f"{head}:stateMachine:{self.state_machine_name}"


class StateMachineArn(StatesArn, frozen=True):
    """`…:stateMachine:NAME`, or the ARN of a version or an alias of a state machine.

    For a version or an alias, ListExecutions lists the executions started by it.
    """

    name: str
    """The name; with a Distributed Map's label after a slash, where the ARN has one."""


class MapRunArn(StatesArn, frozen=True):
    """`…:mapRun:STATE_MACHINE/LABEL:ID`; the form after the slash is not checked."""

    state_machine_name: str
    name: str
    """All that follows the state machine's name and the slash."""


class MachineName(Struct, frozen=True):
    """A state machine's name alone; the account and Region are the caller's."""

    name: str


Named = ExecutionArn | StateMachineArn | MapRunArn | MachineName
"""What a user can give to name an execution, or to list executions to choose from."""


_DURABLE_EXECUTION = re.compile(
    r"arn:[a-z-]+:lambda:[a-z0-9-]+:\d{12}:function:[\w-]+:[\w$.]+/durable-execution/"
)
"""The beginning of a durable execution's ARN, after Lambda's model in botocore."""


def parse_states_arn(text: str) -> ExecutionArn | StateMachineArn | MapRunArn:
    """Return the first ARN of an execution, state machine or Map Run in `text`.

    A URL of the console may have several ARNs. Raises ValueError, whose text says what
    was found instead.
    """
    match = _ARN.search(unquote(text.strip()))
    if match is None:
        if _DURABLE_EXECUTION.search(unquote(text)):
            raise ValueError(
                "it is the ARN of a durable execution of Lambda, which is not supported"
                " yet"
            )
        raise ValueError("no ARN of Step Functions in it")
    place = match[0], match["partition"], match["region"], match["account"]
    kind = match["kind"]
    rest = match["rest"]
    machine, _, name = rest.partition(":")
    if kind == "stateMachine":
        return StateMachineArn(*place, machine)
    if kind == "mapRun":
        machine, _, name = rest.partition("/")
        return MapRunArn(*place, machine, name)
    if kind == "activity":
        raise ValueError("it is the ARN of an activity, not of an execution")
    is_whole = all(name.partition(":")) if kind == "express" else name
    if not is_whole:
        raise ValueError("the execution's name is missing or incomplete")
    return ExecutionArn(*place, kind, machine, name)


def parse_execution_arn(text: str) -> ExecutionArn:
    """Return the execution ARN in `text`, which is the ARN or a console URL with it.

    Raises ValueError, whose text says what was found instead.
    """
    found = parse_states_arn(text)
    if not isinstance(found, ExecutionArn):
        kind = "stateMachine" if isinstance(found, StateMachineArn) else "mapRun"
        raise ValueError(  # noqa: TRY004 - it is read from a text
            f"it is the ARN of a {kind}, not of an execution"
        )
    return found


def maybe_execution_arn(text: str) -> ExecutionArn | None:
    try:
        return parse_execution_arn(text)
    except ValueError:
        return None


@lru_cache(maxsize=1024)
def role_name(role_arn: str | None) -> str | None:
    """Return the name of a role, from its own ARN or from the ARN of its session.

    `arn:aws:iam::A:role/path/NAME` has the role's path, `arn:aws:sts::A:assumed-role/
    NAME/SESSION` has not: only the name can be compared. None for any other ARN.
    """
    if not role_arn:
        return None
    resource = role_arn.split(":", 5)[-1].split("/")
    if resource[0] == "assumed-role" and len(resource) > 1:
        return resource[1]
    return resource[-1] if resource[0] == "role" else None


@lru_cache(maxsize=1024)
def account_of(arn: str | None) -> str | None:
    """Return the account in an ARN; None for an ARN without one."""
    found = _ACCOUNT.match(arn or "")
    return found[1] if found else None


def last_segment(arn: str) -> str:
    """Return the part after the last slash: ECS accepts a task's id as its ARN."""
    return arn.rsplit("/", 1)[-1]


def short_id(identifier: str) -> str:
    """Return the last part of an id or ARN; a random one is cut to 8 characters."""
    last = last_segment(identifier)
    if last.startswith("arn:"):
        last = last.rpartition(":")[2]
    return last[:8] if _RANDOM.fullmatch(last) else last


_LOG_GROUP = re.compile(
    r"(?P<head>arn:aws[a-z-]*:logs:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):"
    r"log-group:)?(?P<name>[A-Za-z0-9_/.#-]{1,512})(?P<rest>:\S*)?"
)
"""Matches a log group's name or ARN. The `rest` after the name in an ARN, `:*` or a log
stream, is no part of the name."""


class LogGroupName(Struct, frozen=True):
    """The name of a log group; the other fields are set only if its ARN was given."""

    name: str
    region: str | None = None
    account: str | None = None
    arn: str | None = None
    """The ARN without the `:*` that Step Functions and others append."""


def parse_log_group(text: str) -> LogGroupName:
    """Return the log group of a name or an ARN; raises ValueError with the reason."""
    match = _LOG_GROUP.fullmatch(text.strip())
    if match is None or (match["rest"] and not match["head"]):
        raise ValueError("it is neither the name nor the ARN of a log group")
    arn = match["head"] + match["name"] if match["head"] else None
    return LogGroupName(match["name"], match["region"], match["account"], arn)


_VERSION = re.compile(r"\d{8}(v\d+)?$")


@lru_cache(maxsize=1024)
def unversioned(event_name: str) -> str:
    """Return a name without the API version some add: `GetFunction20150331v2`."""
    return _VERSION.sub("", event_name)
