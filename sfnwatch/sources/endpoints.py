"""Which endpoints requests may be sent to.

A request carries the session token in its headers, and its answer the payloads of
executions. An endpoint may be set by an option, by AWS_ENDPOINT_URL, by the variable of
one service or in a profile. Whoever can set one of these must not be able to have these
secrets sent in the clear.
"""

import json
import os
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

from sfnwatch.model.texts import clean
from sfnwatch.sources.permissions import ALLOW_HTTP

_EC2 = ip_network("fd00:ec2::/32")
"""The IPv6 addresses at which instances and containers find their credentials."""
_LONGEST_HOST = 100
"""The most characters of a host that are shown."""


@cache
def aws_domains() -> frozenset[str]:
    """Return the domains of AWS's endpoints in all partitions, from botocore's data.

    Only the commercial partition's is known if the data can't be read.
    """
    domains = {"amazonaws.com"}
    try:
        path = files("botocore") / "data" / "partitions.json"
        for partition in json.loads(path.read_bytes())["partitions"]:
            outputs = partition["outputs"]
            domains.update((outputs["dnsSuffix"], outputs["dualStackDnsSuffix"]))
    except (ImportError, OSError, ValueError, KeyError, TypeError):
        pass
    return frozenset(domains)


def foreign_host(url: str) -> str:
    """Return an endpoint's host and port if it is none of AWS's; empty for AWS's."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = parts.port
    except ValueError:
        return ""
    for domain in aws_domains():
        if host.endswith(f".{domain}"):
            return ""
    if ":" in host:
        host = f"[{host}]"
    return clean(f"{host}:{port}" if port else host, _LONGEST_HOST)


def is_loopback(url: str | None) -> bool:
    """True for this machine, which no proxy of the environment can reach."""
    try:
        host = urlsplit(url or "").hostname or ""
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def is_link_local(url: str) -> bool:
    """True for an address that gives out a machine's own credentials, never by TLS."""
    try:
        address = ip_address(urlsplit(url).hostname or "")
    except ValueError:
        return False
    return address.is_link_local or address in _EC2


def endpoint_refusal(url: str | None, environ: Mapping[str, str] = os.environ) -> str:
    """Return why nothing is sent to an endpoint; empty if it may be used."""
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
