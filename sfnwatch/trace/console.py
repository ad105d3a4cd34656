"""Where the AWS console shows an execution, or a call: addresses, never requests.

That the console takes an execution's ARN behind `#/v2/executions/details/` is known
from the addresses people paste, and inferred for the partitions other than `aws`.
"""

import re
from urllib.parse import quote

from sfnwatch.trace.arns import maybe_execution_arn
from sfnwatch.trace.lanes import Row
from sfnwatch.trace.timeline import Trace

_DOMAINS = {
    "aws": "console.aws.amazon.com",
    "aws-cn": "console.amazonaws.cn",
    "aws-us-gov": "console.amazonaws-us-gov.com",
}
"""Of other partitions no address is known."""
_REGION = re.compile(r"[a-z]{2}(-[a-z]{2,12}){1,2}-\d{1,2}")
_EVENT_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def console_url(execution_arn: str) -> str | None:
    """Give the page of an execution; None for what has none.

    The history of an Express execution is not kept, and its page has another address.
    """
    parsed = maybe_execution_arn(execution_arn)
    if parsed is None or parsed.kind != "execution":
        return None
    home = _home(parsed.region, "states", parsed.partition)
    return home and f"{home}#/v2/executions/details/{quote(parsed.arn, safe=':/')}"


def event_url(region: str, event_id: str) -> str | None:
    """Give the page of a call in CloudTrail's Event history.

    The form of the address is inferred: no page of AWS's documentation has it.
    """
    if not _EVENT_ID.fullmatch(event_id):
        # A row of an Athena table may have no event id, only one made up for it.
        return None
    home = _home(region, "cloudtrailv2", _partition(region))
    return home and f"{home}#/events/{event_id}"


def _home(region: str, service: str, partition: str) -> str | None:
    domain = _DOMAINS.get(partition)
    if domain is None or not _REGION.fullmatch(region):
        return None
    return f"https://{region}.{domain}/{service}/home?region={region}"


def _partition(region: str) -> str:
    """Tell a Region's partition by its name, which is all that a call says."""
    place, _, rest = region.partition("-")
    if place == "cn":
        return "aws-cn"
    if rest.startswith("iso"):
        return "aws-iso"
    return "aws-us-gov" if rest.startswith("gov-") else "aws"


def url_for(row: Row, trace: Trace) -> str | None:
    """Give the page for a row: a call's own, else that of its execution."""
    if row.call is not None:
        return event_url(row.call.region or "", row.call.event_id)
    arn = row.execution_arn or ""
    return console_url(arn) if arn in trace.histories else None
