"""A queue's URL, taken apart."""

import re

from msgspec import Struct
from msgspec.structs import replace

from sfnwatch.errors import UsageError
from sfnwatch.model.texts import clean, without_login
from sfnwatch.sources.aws_settings import AwsSettings
from sfnwatch.sources.endpoints import is_loopback

_URL = re.compile(
    r"(?P<origin>https://(?:sqs\.|sqs-fips\.|vpce-[a-z0-9-]+\.sqs\.)?"
    r"(?P<region>[a-z]{2}(?:-[a-z0-9]+)+-[0-9]+)"
    r"(?:\.api\.aws|(?:\.vpce|\.queue)?\.amazonaws\.com(?:\.cn)?))"
    r"/[0-9]{12}/(?P<name>[A-Za-z0-9_-]{1,80}(?:\.fifo)?)"
)
"""A queue's URL at the usual host or at one for FIPS, for dual-stack, of an endpoint in
a VPC, or of the old form."""
_USUAL_ORIGIN = re.compile(r"https://sqs\.[^.]+\.amazonaws\.com(?:\.cn)?")
_LOCAL_URL = re.compile(
    r"(?P<origin>https?://[^/?#@]+)/(?:[^?#@]*/)?(?P<name>[^/?#@]+)"
)
_HINT = (
    "It looks like https://sqs.REGION.amazonaws.com/ACCOUNT/NAME; `aws sqs"
    " get-queue-url --queue-name NAME` prints it."
)


class QueueAddress(Struct, frozen=True):
    """A queue's URL, taken apart."""

    url: str
    name: str
    region: str | None
    """None on this machine, whose URLs name no Region."""
    endpoint_url: str | None
    """Where to send requests; None for the endpoint that the SDK takes in the Region.
    """


def parse_queue_url(url: str) -> QueueAddress:
    """Take a queue's URL apart; raises UsageError if it is not a queue's.

    Requests are signed, and with temporary credentials carry a session token. So they
    go only to AWS's own hosts and to this machine, wherever else a URL may point.
    """
    url = url.strip()
    parts = _URL.fullmatch(url)
    if parts is not None:
        origin = parts["origin"]
        endpoint_url = None if _USUAL_ORIGIN.fullmatch(origin) else origin
        return QueueAddress(url, parts["name"], parts["region"], endpoint_url)
    parts = _LOCAL_URL.fullmatch(url)
    if parts is not None and is_loopback(url):
        return QueueAddress(url, parts["name"], None, parts["origin"])
    shown = clean(without_login(url), 200)
    raise UsageError(f"No URL of an SQS queue: {shown}", hint=_HINT)


def queue_settings(settings: AwsSettings, url: str) -> AwsSettings:
    """Return the settings for a queue's requests; its URL overrides the endpoint."""
    endpoint_url = parse_queue_url(url).endpoint_url or settings.endpoint_url
    return replace(settings, endpoint_url=endpoint_url)
