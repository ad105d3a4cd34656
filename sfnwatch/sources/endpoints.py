"""Which endpoints requests may be sent to.

A request has the payloads of executions in its answer, and the session token in its
headers. An endpoint may be named by an option, by AWS_ENDPOINT_URL or a service's own,
or in a profile: whoever can write one of these must not get them sent in the clear.
"""

import os
from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

from sfnwatch.model.texts import clean
from sfnwatch.sources.permissions import ALLOW_HTTP

_EC2 = ip_network("fd00:ec2::/32")
"""Where instances and containers find their credentials, by IPv6."""


def is_loopback(url: str | None) -> bool:
    """True for this machine: no proxy of the environment's can reach it."""
    try:
        host = urlsplit(url or "").hostname or ""
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def is_link_local(url: str) -> bool:
    """True for what hands out a machine's own credentials: beside it, and never TLS."""
    try:
        address = ip_address(urlsplit(url).hostname or "")
    except ValueError:
        return False
    return address.is_link_local or address in _EC2


def endpoint_refusal(url: str | None, environ: Mapping[str, str] = os.environ) -> str:
    """Say why nothing is sent to an endpoint; empty where it may be asked."""
    try:
        parts = urlsplit(url or "")
        scheme = parts.scheme
        _ = parts.port
    except ValueError as error:
        return f"The endpoint {clean(url or '', 200)} is no URL: {error}."
    safe = not url or scheme == "https" or is_loopback(url)
    if safe or environ.get(ALLOW_HTTP) == "1":
        return ""
    return (
        f"The endpoint {clean(url or '', 200)} is neither this machine nor https:"
        " credentials and payloads could be read on the way."
        f" Use https, or set {ALLOW_HTTP}=1 if that is meant."
    )
