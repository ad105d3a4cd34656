"""Who makes the calls that CloudTrail records: users, roles and Step Functions."""

from datetime import datetime

from sfnwatch.demo.formats import ACCOUNT_ID, Json, arn, iso
from sfnwatch.demo.seeded_random import SeededRandom
from sfnwatch.demo.trail_event import CallerIdentity

_STATES = "states.amazonaws.com"


def user(name: str, key_id: str, address: str, agent: str) -> CallerIdentity:
    """Return an IAM user with an access key of their own."""
    identity = {
        "type": "IAMUser",
        "principalId": "AIDASAMPLEUSERIDSAMPL",
        "arn": arn("iam", f"user/{name}"),
        "accountId": ACCOUNT_ID,
        "accessKeyId": key_id,
        "userName": name,
    }
    return CallerIdentity(identity, address, agent)


def in_role(role: str, session: str, since: datetime, key_id: str) -> Json:
    """Return the identity of somebody who has assumed this role."""
    name = role.rpartition("/")[2]
    principal = SeededRandom(role).role_id()
    issuer = {
        "type": "Role",
        "principalId": principal,
        "arn": role,
        "accountId": ACCOUNT_ID,
        "userName": name,
    }
    attributes = {"creationDate": iso(since), "mfaAuthenticated": "false"}
    return {
        "type": "AssumedRole",
        "principalId": f"{principal}:{session}",
        # The role's path is in the issuer's ARN only.
        "arn": arn("sts", f"assumed-role/{name}/{session}"),
        "accountId": ACCOUNT_ID,
        "accessKeyId": key_id,
        "sessionContext": {"sessionIssuer": issuer, "attributes": attributes},
    }


def by_step_functions(role: str, at: datetime, dice: SeededRandom) -> CallerIdentity:
    """Return Step Functions in a role: a new session for every single call."""
    identity = in_role(role, dice.session(), at, dice.key_id())
    return CallerIdentity(identity | {"invokedBy": _STATES}, _STATES, _STATES)
