"""Addresses of pages in the AWS console: there are no requests to it.

That it takes an execution's ARN behind `#/v2/executions/details/` is known from the
addresses people paste, and inferred for the partitions other than `aws`.
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
"""By what a Region begins with."""
_REGION = re.compile(r"[a-z]{2}(?!-iso)(-[a-z]{2,12}){1,2}-\d{1,2}")
"""A Region's name, but not of the isolated ones, whose addresses are not known."""
_EVENT_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def execution_url(execution_arn: str) -> str | None:
    """Give the page of an execution; None for what has none.

    The history of an Express execution is not kept, and its page has another address.
    """
    parsed = maybe_execution_arn(execution_arn)
    if parsed is None or parsed.is_express:
        return None
    home = _home(parsed.region, "states")
    return home and f"{home}#/v2/executions/details/{quote(parsed.arn, safe=':/')}"


def call_url(call: ApiCall) -> str | None:
    """Give the page of a call in CloudTrail's Event history.

    The form of the address is inferred: no page of AWS's documentation has it.
    """
    if not _EVENT_ID.fullmatch(call.event_id):
        # A row of an Athena table may have no event id, only one made up for it.
        return None
    home = _home(call.region or "", "cloudtrailv2")
    return home and f"{home}#/events/{call.event_id}"


def _home(region: str, service: str) -> str | None:
    if not _REGION.fullmatch(region):
        return None
    domain = next(d for begin, d in _DOMAINS.items() if region.startswith(begin))
    return f"https://{region}.{domain}/{service}/home?region={region}"
