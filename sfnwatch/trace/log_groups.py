"""Log groups of CloudWatch Logs, by name or by ARN."""

import re

from msgspec import Struct

_LOG_GROUP = re.compile(
    r"(?P<head>arn:aws[a-z-]*:logs:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):"
    r"log-group:)?(?P<name>[A-Za-z0-9_/.#-]{1,512})(?P<rest>:\S*)?"
)
"""What follows the name in an ARN, `:*` or a log stream, is no part of it."""


class LogGroupName(Struct, frozen=True):
    """Where a log is; all but the name only where its ARN was given."""

    name: str
    region: str | None = None
    account: str | None = None
    arn: str | None = None
    """Without the `:*` that Step Functions and others write behind it."""


def parse_log_group(text: str) -> LogGroupName:
    """Read the name or the ARN of a log group; raises ValueError, which says why."""
    match = _LOG_GROUP.fullmatch(text.strip())
    if match is None or (match["rest"] and not match["head"]):
        msg = "it is neither the name nor the ARN of a log group"
        raise ValueError(msg)
    arn = match["head"] + match["name"] if match["head"] else None
    return LogGroupName(match["name"], match["region"], match["account"], arn)
