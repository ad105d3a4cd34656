"""Where requests may go: to AWS and to this machine, or over TLS.

A request has the payloads of executions in its answer, and the session token in its
headers. An endpoint may be named by an option, by AWS_ENDPOINT_URL and its kin, or in
a profile: whoever can write one of these must not get them sent in the clear.
"""

import os
from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

from sfnwatch.trace.text import clean

ALLOW_HTTP = "SFNWATCH_ALLOW_HTTP"
"""Set to 1 where an endpoint of one's own network has no TLS."""


def is_loopback(url: str | None) -> bool:
    """True for this machine: no proxy of the environment's can reach it."""
    try:
        host = urlsplit(url or "").hostname or ""
    except ValueError:
        return False
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def refusal(url: str | None, environ: Mapping[str, str] = os.environ) -> str:
    """Say why nothing is sent to an endpoint; empty where it may be asked."""
    try:
        scheme = urlsplit(url or "").scheme
    except ValueError:
        scheme = ""
    safe = not url or scheme == "https" or is_loopback(url)
    if safe or environ.get(ALLOW_HTTP) == "1":
        return ""
    return (
        f"The endpoint {clean(url or '', 200)} is neither this machine nor https:"
        " credentials and payloads could be read on the way."
        f" Use https, or set {ALLOW_HTTP}=1 if that is meant."
    )
