"""Where the AWS console shows an execution, or a call: addresses, never requests.

That the console takes an execution's ARN behind `#/v2/executions/details/` is known
from the addresses people paste, and inferred for the partitions other than `aws`.
"""

import re
from urllib.parse import quote

from sfnwatch.model.api_call import ApiCall
from sfnwatch.model.arns import maybe_execution_arn

_DOMAINS = {
    "aws": "console.aws.amazon.com",
    "aws-cn": "console.amazonaws.cn",
    "aws-us-gov": "console.amazonaws-us-gov.com",
}
"""Of other partitions no address is known."""
_REGION = re.compile(r"[a-z]{2}(-[a-z]{2,12}){1,2}-\d{1,2}")
_EVENT_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def execution_url(execution_arn: str) -> str | None:
    """Give the page of an execution; None for what has none.

    The history of an Express execution is not kept, and its page has another address.
    """
    parsed = maybe_execution_arn(execution_arn)
    if parsed is None or parsed.is_express:
        return None
    home = _home(parsed.region, "states", parsed.partition)
    return home and f"{home}#/v2/executions/details/{quote(parsed.arn, safe=':/')}"


def call_url(call: ApiCall) -> str | None:
    """Give the page of a call in CloudTrail's Event history.

    The form of the address is inferred: no page of AWS's documentation has it.
    """
    region = call.region or ""
    if not _EVENT_ID.fullmatch(call.event_id):
        # A row of an Athena table may have no event id, only one made up for it.
        return None
    home = _home(region, "cloudtrailv2", _partition(region))
    return home and f"{home}#/events/{call.event_id}"


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
