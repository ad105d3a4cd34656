"""What this tool may ask of AWS, in one place: all of it reads."""

from collections.abc import Mapping
from typing import Any

ALLOWED: Mapping[str, str] = {
    "DescribeExecution": "states",
    "DescribeStateMachineForExecution": "states",
    "GetExecutionHistory": "states",
    "LookupEvents": "cloudtrail",
}
"""Every AWS operation this tool ever sends, with its IAM prefix."""

_RESOURCES = {
    "states": ("History", "arn:aws:states:*:*:execution:*:*"),
    "cloudtrail": ("Trail", "*"),
}
"""A statement's Sid and resource; LookupEvents knows no resource but `*`."""


def iam_policy() -> dict[str, Any]:
    """Write the least IAM policy under which all of ALLOWED works.

    The two statements are independent: without the second the calls stay dark, and
    the states are shown all the same.
    """
    statements = [
        {
            "Sid": sid,
            "Effect": "Allow",
            "Action": [f"{p}:{name}" for name, p in ALLOWED.items() if p == prefix],
            "Resource": resource,
        }
        for prefix, (sid, resource) in _RESOURCES.items()
    ]
    return {"Version": "2012-10-17", "Statement": statements}
