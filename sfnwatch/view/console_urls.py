"""Addresses of pages in the AWS console, to which this tool makes no requests.

The console takes an execution's ARN behind `#/v2/executions/details/`. That is known
from addresses that people paste, and inferred for partitions other than `aws`.
"""

import re
from urllib.parse import quote

from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.arns import maybe_execution_arn

_DOMAINS = {
    "cn-": "console.amazonaws.cn",
    "us-gov-": "console.amazonaws-us-gov.com",
    "": "console.aws.amazon.com",
}
"""The console's domain by the beginning of a Region's name."""
_REGION = re.compile(r"[a-z]{2}(?!-iso)(-[a-z]{2,12}){1,2}-\d{1,2}")
"""The name of a Region, except isolated ones, whose addresses are not known."""
_EVENT_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def execution_url(execution_arn: str) -> str | None:
    """Return the address of an execution's page; None where it has none.

    An Express execution has None: its history is not kept, and its page has another
    address.
    """
    parsed = maybe_execution_arn(execution_arn)
    if parsed is None or parsed.is_express:
        return None
    home = _home(parsed.region, "states")
    return home and f"{home}#/v2/executions/details/{quote(parsed.arn, safe=':/')}"


def call_url(call: ApiCall) -> str | None:
    """Return the address of a call's page in CloudTrail's Event history; or None.

    The form of the address is inferred: AWS's documentation does not have it.
    """
    if not _EVENT_ID.fullmatch(call.event_id):
        # A row of an Athena table may lack an event id: then the id is made up.
        return None
    home = _home(call.region or "", "cloudtrailv2")
    return home and f"{home}#/events/{call.event_id}"


def _home(region: str, service: str) -> str | None:
    if not _REGION.fullmatch(region):
        return None
    domain = next(d for begin, d in _DOMAINS.items() if region.startswith(begin))
    return f"https://{region}.{domain}/{service}/home?region={region}"
