"""A queue's URL: where it is to be asked, and in which Region.

Requests are signed, and with temporary credentials carry a session token: so they go
to AWS's own hosts and to this machine, and nowhere else a URL may point to.
"""

import re
from urllib.parse import SplitResult, urlsplit

from msgspec import Struct

from sfnwatch.errors import UsageError
from sfnwatch.trace.text import clean

_REGION = r"(?P<region>[a-z]{2}(?:-[a-z0-9]+)+-[0-9]+)"
_USUAL = re.compile(rf"sqs\.{_REGION}\.amazonaws\.com(?:\.cn)?")
_OTHERS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"sqs-fips\.{_REGION}\.amazonaws\.com",
        rf"sqs\.{_REGION}\.api\.aws",
        rf"vpce-[a-z0-9-]+\.sqs\.{_REGION}\.vpce\.amazonaws\.com(?:\.cn)?",
        rf"{_REGION}\.queue\.amazonaws\.com(?:\.cn)?",
    )
)
"""FIPS, dual-stack, an endpoint in a VPC, and the old name."""
_PATH = re.compile(r"/[0-9]{12}/[A-Za-z0-9_-]{1,80}(?:\.fifo)?")
_HINT = (
    "It looks like https://sqs.REGION.amazonaws.com/ACCOUNT/NAME; `aws sqs"
    " get-queue-url --queue-name NAME` prints it."
)


class QueueAddress(Struct, frozen=True):
    """A queue, taken apart."""

    url: str
    name: str
    region: str | None
    """None for this machine, whose URLs don't say."""
    endpoint_url: str | None
    """Where to send to; None where it is what the SDK takes for the Region."""

    @property
    def shown(self) -> str:
        """Its name, as messages have it."""
        return clean(self.name, 90)

    @property
    def fifo(self) -> bool:
        return self.name.endswith(".fifo")


def parse_queue_url(url: str) -> QueueAddress:
    """Take a queue's URL apart; raises UsageError for what is none."""
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError as error:
        raise _bad(url, str(error)) from error
    host = (parts.hostname or "").lower()
    if parts.username or parts.password or parts.query or parts.fragment:
        raise _bad(url, "it has more than a host and a path")
    name = parts.path.rpartition("/")[2]
    if is_loopback(host) and parts.scheme in {"http", "https"}:
        if not name:
            raise _bad(url, "it names no queue")
        return QueueAddress(url.strip(), name, None, _origin(parts))
    usual = _USUAL.fullmatch(host)
    found = usual or next(filter(None, (p.fullmatch(host) for p in _OTHERS)), None)
    if parts.scheme != "https" or port is not None or found is None:
        raise _bad(url, "it is not at a host of AWS's")
    if not _PATH.fullmatch(parts.path):
        raise _bad(url, "it has no account and name behind the host")
    endpoint_url = None if usual else f"https://{host}"
    return QueueAddress(url.strip(), name, found["region"], endpoint_url)


def is_loopback(host: str) -> bool:
    return host in {"localhost", "::1"} or bool(
        re.fullmatch(r"127(\.\d{1,3}){3}", host)
    )


def _origin(parts: SplitResult) -> str:
    return f"{parts.scheme}://{parts.netloc}"


def _bad(url: str, why: str) -> UsageError:
    return UsageError(
        f"No URL of an SQS queue: {clean(url, 200)}: {clean(why)}.", hint=_HINT
    )
