"""Make the tables of AWS's services from the models that botocore ships.

    python -m tests.trace.make_sdk_names

writes `integration_sources.py` and `integration_homes.py`. The core may not import
botocore, so it holds what follows from it as data; a test compares the two.
"""

import re
import textwrap
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import botocore
from botocore.endpoint_provider import EndpointProvider
from botocore.exceptions import EndpointProviderError
from botocore.loaders import create_loader

import sfnwatch.trace

TRACE = Path(sfnwatch.trace.__file__).parent


class Otherwise(NamedTuple):
    """What a model says otherwise than AWS's pages do, and where that is from."""

    value: str
    reason: str


SOURCES = {
    "application-autoscaling": Otherwise(
        "autoscaling",
        "documented: a sample record of RegisterScalableTarget has it",
    ),
    "backupsearch": Otherwise(
        "backup", "documented: AWS's own model names it as its CloudTrail source"
    ),
    "cloudfront-keyvaluestore": Otherwise(
        "edgekeyvaluestore", "documented: the CloudFront guide says so"
    ),
    "connectparticipant": Otherwise(
        "connect",
        "inferred: it signs as execute-api, which is what customers' APIs are called",
    ),
    "ds-data": Otherwise(
        "ds", "documented: AWS's own model names it as its CloudTrail source"
    ),
    "iotsecuretunneling": Otherwise(
        "iotsecuredtunneling", "inferred: sources have no capitals, its signature has"
    ),
    "meteringmarketplace": Otherwise(
        "metering-marketplace", "documented: a sample record has it"
    ),
    "mq": Otherwise("amazonmq", "documented: sample records have it"),
    "networkmonitor": Otherwise(
        "networksynthetics", "documented: a sample record has it"
    ),
    "rds-data": Otherwise(
        "rdsdataapi",
        "documented: so of all clusters but Aurora Serverless v1, which was rdsdata",
    ),
    "sso": Otherwise("sso", "observed: GetRoleCredentials is recorded so"),
}
"""By botocore's name, the services whose CloudTrail source is not what they sign as.

That a service's source is what it signs as is itself inferred: it holds wherever a
page or a record shows both, but for these.
"""

HOMES = {
    ("globalaccelerator", "aws"): Otherwise(
        "us-west-2", "documented: its guide says where Event history has it"
    ),
}
"""Homes of global services that botocore's endpoint rules don't know, by partition."""


def java_name(service_id: str) -> str:
    """Give what the AWS SDK for Java calls a service, and Step Functions with it.

    Its code generator takes the letters and digits of the service's id, without
    Amazon or AWS before and Service behind them; the developer guide's list of
    integrations agrees in every name.
    """
    letters = re.sub(r"[^A-Za-z0-9]", "", service_id)
    for prefix in ("Amazon", "AWS", "Aws"):
        letters = letters.removeprefix(prefix)
    return letters.removesuffix("Service").lower()


@lru_cache(maxsize=1)
def sources() -> dict[str, str]:
    """Work out each service's source from the models of today."""
    return {java: source for java, source, _ in _services()}


@lru_cache(maxsize=1)
def homes() -> dict[str, dict[str, str]]:
    """Work out the home of each global service, by partition."""
    found: dict[str, dict[str, str]] = {}
    for java, _, service in _services():
        of_service = _homes(service)
        if of_service:
            found[java] = of_service
    return found


@lru_cache(maxsize=1)
def _services() -> tuple[tuple[str, str, str], ...]:
    """Give the Java name, the source and botocore's name of each service."""
    loader = create_loader()
    found: dict[str, tuple[str, str]] = {}
    for service in loader.list_available_services("service-2"):
        metadata = loader.load_service_model(service, "service-2")["metadata"]
        java = java_name(metadata.get("serviceId", service))
        signs_as = metadata.get("signingName") or metadata["endpointPrefix"]
        source = SOURCES[service].value if service in SOURCES else signs_as
        if found.setdefault(java, (source, service))[0] != source:
            msg = f"{java} is both {found[java]} and {source, service}"
            raise ValueError(msg)
    return tuple((java, *rest) for java, rest in sorted(found.items()))


def _homes(service: str) -> dict[str, str]:
    """Find where a service lives that answers every Region of a partition alike.

    Its requests are signed for that Region. That it is also where CloudTrail has them
    is documented for us-east-1, and inferred for the homes of the other partitions.
    """
    loader, partitions = create_loader(), _partitions()
    found = {
        partition: told.value
        for (name, partition), told in HOMES.items()
        if name == service
    }
    if service not in _with_rules():
        return found
    rules = loader.load_service_model(service, "endpoint-rule-set-1")
    provider = EndpointProvider(rules, loader.load_data("partitions"))
    for partition, regions in partitions.items():
        signed = {_signed_for(provider, rules, region) for region in regions}
        home = signed.pop()
        if not signed and home in regions:
            found.setdefault(partition, home)
    return found


def _signed_for(
    provider: EndpointProvider, rules: Mapping[str, Any], region: str
) -> str | None:
    given = {"Region": region} if "Region" in rules["parameters"] else {}
    try:
        properties = provider.resolve_endpoint(**given).properties or {}
    except EndpointProviderError:
        return None
    schemes: list[dict[str, str]] = properties.get("authSchemes") or [{}]
    return schemes[0].get("signingRegion") or region


@lru_cache(maxsize=1)
def _with_rules() -> frozenset[str]:
    return frozenset(create_loader().list_available_services("endpoint-rule-set-1"))


@lru_cache(maxsize=1)
def _partitions() -> dict[str, tuple[str, ...]]:
    """Give the Regions of each partition that has more than one."""
    told = create_loader().load_data("partitions")["partitions"]
    regions = {
        partition["id"]: tuple(r for r in partition["regions"] if "-global" not in r)
        for partition in told
    }
    return {name: found for name, found in regions.items() if len(found) > 1}


# -- writing ---------------------------------------------------------------------

_HEAD = '''"""{title}

{text}

Made by `python -m tests.trace.make_sdk_names` from the models of the botocore
named below.
"""

from collections.abc import Mapping
from types import MappingProxyType

BOTOCORE = "{version}"
"""The botocore whose models these are."""

'''
_SOURCES_TEXT = """\
Step Functions' SDK integrations have the names that the AWS SDK for Java gives:
`aws-sdk:sfn`, `aws-sdk:cloudwatchlogs`. CloudTrail has what services sign their
requests as, with few exceptions: `states`, `logs`."""
_HOMES_TEXT = """\
One of them has the same address in every Region of a partition, and its calls are
recorded where it lives. That is documented for us-east-1, "and other Regions, such as
US West (Oregon)"; the other homes are where requests are signed for [inferred]."""


def sources_module() -> str:
    words = [
        java if java == source else f"{java}={source}"
        for java, source in sources().items()
    ]
    return (
        _head("What each of AWS's services is called in CloudTrail.", _SOURCES_TEXT)
        + f'_NAMES = """\n{_wrapped(words)}\n"""\n'
        + "NAMES: Mapping[str, str] = MappingProxyType(\n"
        + "    {\n"
        + "        name: source or name\n"
        + '        for name, _, source in (w.partition("=") for w in _NAMES.split())\n'
        + "    }\n"
        + ")\n"
        + '"""The Java SDK\'s names to CloudTrail\'s; mostly they are one word."""\n'
    )


def homes_module() -> str:
    return (
        _head("Where the calls of AWS's global services are recorded.", _HOMES_TEXT)
        + f'_HOMES = """\n{chr(10).join(_home_lines())}\n"""\n'
        + "HOMES: Mapping[tuple[str, str], str] = MappingProxyType(\n"
        + "    {\n"
        + "        (name, partition): region\n"
        + "        for name, *homes in (line.split() for line in"
        + " _HOMES.strip().splitlines())\n"
        + '        for partition, region in (home.split("=") for home in homes)\n'
        + "    }\n"
        + ")\n"
        + '"""A service\'s Java name and a partition, to the home there."""\n'
        + "\n\n"
        + "def home_region(resource_type: str, partition: str) -> str | None:\n"
        + '    """Find the home of what an SDK integration calls; None for most."""\n'
        + '    name = resource_type.removeprefix("aws-sdk:")\n'
        + "    return HOMES.get((name, partition))\n"
    )


def _head(title: str, text: str) -> str:
    return _HEAD.format(title=title, text=text, version=botocore.__version__)


def _wrapped(words: list[str]) -> str:
    return textwrap.fill(
        " ".join(words), width=88, break_long_words=False, break_on_hyphens=False
    )


def _home_lines() -> Iterator[str]:
    for name, of_service in homes().items():
        pairs = (f"{partition}={region}" for partition, region in of_service.items())
        yield from _split(name, list(pairs))


def _split(name: str, pairs: list[str]) -> Iterator[str]:
    """Give a service as many lines as its homes need."""
    line = name
    for pair in pairs:
        if len(line) + 1 + len(pair) > 88:
            yield line
            line = name
        line = f"{line} {pair}"
    yield line


def main() -> None:
    (TRACE / "integration_sources.py").write_text(sources_module(), encoding="utf-8")
    (TRACE / "integration_homes.py").write_text(homes_module(), encoding="utf-8")


if __name__ == "__main__":
    main()
