"""Execution ARNs, and the ways people paste them."""

import re
from dataclasses import dataclass
from urllib.parse import unquote

_ARN = re.compile(
    r"arn:(?P<partition>aws[a-z-]*):states:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):"
    r"(?P<kind>execution|express|stateMachine|mapRun|activity):(?P<rest>[^\s?&]+)"
)


@dataclass(frozen=True, slots=True)
class ExecutionArn:
    """`arn:aws:states:REGION:ACCOUNT:execution:STATE_MACHINE:NAME`, taken apart."""

    arn: str
    partition: str
    region: str
    account: str
    kind: str
    """`execution`, or `express`, whose history AWS does not keep."""
    state_machine_name: str
    name: str

    @property
    def state_machine_arn(self) -> str:
        head = f"arn:{self.partition}:states:{self.region}:{self.account}"
        return f"{head}:stateMachine:{self.state_machine_name}"


def parse_execution_arn(text: str) -> ExecutionArn:
    """Find the execution ARN in `text`: the ARN itself, or a console URL with it.

    Raises ValueError, whose text says what was found instead.
    """
    match = _ARN.search(unquote(text.strip()))
    if match is None:
        msg = "no execution ARN in it"
        raise ValueError(msg)
    kind, rest = match["kind"], match["rest"]
    if kind not in {"execution", "express"}:
        article = "an" if kind == "activity" else "a"
        msg = f"it is the ARN of {article} {kind}, not of an execution"
        raise ValueError(msg)
    machine, _, name = rest.partition(":")
    if not name:
        msg = "the execution's name is missing from the ARN"
        raise ValueError(msg)
    return ExecutionArn(
        arn=match[0],
        partition=match["partition"],
        region=match["region"],
        account=match["account"],
        kind=kind,
        state_machine_name=machine,
        name=name,
    )


def maybe_execution_arn(text: str) -> ExecutionArn | None:
    try:
        return parse_execution_arn(text)
    except ValueError:
        return None


def role_name(role_arn: str | None) -> str | None:
    """Give the name of a role, from its own ARN or that of one of its sessions.

    `arn:aws:iam::A:role/path/NAME` keeps the path, `arn:aws:sts::A:assumed-role/NAME/
    SESSION` drops it: only the name can be compared.
    """
    if not role_arn:
        return None
    resource = role_arn.split(":", 5)[-1].split("/")
    if resource[0] == "assumed-role" and len(resource) > 1:
        return resource[1]
    return resource[-1] if resource[0] == "role" else None


def last_segment(arn: str) -> str:
    """Give what follows the last slash: ECS takes a task's id for its ARN."""
    return arn.rsplit("/", 1)[-1]
