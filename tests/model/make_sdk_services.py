"""Make the table of AWS's services from the models that botocore ships.

    python -m tests.model.make_sdk_services

writes `templates/sdk_services.json`. The model may not import botocore, so it reads
what follows from it out of that table; a test compares the two. What no model has is
written by hand, in the table itself, and stays as it is: see `BY_HAND`.
"""

import gzip
import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, TypeVar

import botocore
import msgspec
from botocore.endpoint_provider import EndpointProvider
from botocore.exceptions import EndpointProviderError
from botocore.loaders import create_loader
from msgspec import Struct

M = TypeVar("M")


SOURCES = {
    # documented: a sample record of RegisterScalableTarget has it
    "application-autoscaling": "autoscaling",
    # documented: AWS's own model names it as its CloudTrail source
    "backupsearch": "backup",
    # documented: the CloudFront guide says so
    "cloudfront-keyvaluestore": "edgekeyvaluestore",
    # inferred: it signs as execute-api, which is what customers' APIs are called
    "connectparticipant": "connect",
    # documented: AWS's own model names it as its CloudTrail source
    "ds-data": "ds",
    # inferred: sources have no capitals, its signature has
    "iotsecuretunneling": "iotsecuredtunneling",
    # documented: a sample record has it
    "meteringmarketplace": "metering-marketplace",
    # documented: sample records have it
    "mq": "amazonmq",
    # documented: a sample record has it
    "networkmonitor": "networksynthetics",
    # documented: so of all clusters but Aurora Serverless v1, which was rdsdata
    "rds-data": "rdsdataapi",
    # observed: GetRoleCredentials is recorded so
    "sso": "sso",
}
"""By botocore's name, the services whose CloudTrail source is not what they sign as.

That a service's source is what it signs as is itself inferred: it holds wherever a
page or a record shows both, but for these.
"""

HOMES = {
    # documented: its guide says where Event history has it
    ("globalaccelerator", "aws"): "us-west-2",
}
"""Homes of global services that botocore's endpoint rules don't know, by partition."""

BY_HAND = ("event_names", "data_events")
"""Sections of the table that are written in it by hand.

- `event_names`: operations of an SDK's service that CloudTrail has by another name
  [documented].
- `data_events`: what AWS's pages on each service's CloudTrail events list as such, the
  services by what CloudTrail calls them. All of firehose, iotdata, kinesis, s3vectors,
  servicediscovery, sms-voice and verifiedpermissions, timestream's WriteRecords, and
  sagemaker's BatchPutMetrics and BatchGetMetrics only follow from a page's general
  words, "API activity on streams" [inferred].
"""
TABLE = files("sfnwatch.templates") / "sdk_services.json"
SHIPPED = json.loads(TABLE.read_text(encoding="utf-8"))


def table() -> dict[str, Any]:
    """Work out what the table says, by today's models."""
    found = {java: (source, name) for java, source, name in services()}
    homes = {java: _homes(name) for java, (_, name) in found.items()}
    return {
        "botocore": botocore.__version__,
        "event_sources": {java: source for java, (source, _) in found.items()},
        "home_regions": {java: of for java, of in homes.items() if of},
        **{name: SHIPPED[name] for name in BY_HAND},
    }


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


class _Metadata(Struct, rename="camel"):
    endpoint_prefix: str
    service_id: str | None = None
    signing_name: str | None = None


class _Model(Struct):
    """What is read of a service's model: all of it takes half a minute to read."""

    metadata: _Metadata


@lru_cache(maxsize=1)
def _loader() -> Any:
    return create_loader()


def read_model(service: str, kind: type[M]) -> M:
    """Read so much of a service's newest model as a type has of it."""
    version = _loader().determine_latest_version(service, "service-2")
    folder = Path(_loader().BUILTIN_DATA_PATH) / service / version
    model = gzip.decompress((folder / "service-2.json.gz").read_bytes())
    return msgspec.json.decode(model, type=kind)


def read_models() -> Iterator[dict[str, Any]]:
    """Read all of every service's model."""
    for service in _loader().list_available_services("service-2"):
        yield read_model(service, dict[str, Any])


def _metadata(service: str) -> _Metadata:
    return read_model(service, _Model).metadata


def signs_as(service: str) -> str:
    metadata = _metadata(service)
    return metadata.signing_name or metadata.endpoint_prefix


@lru_cache(maxsize=1)
def services() -> tuple[tuple[str, str, str], ...]:
    """Give the Java name, the event source and botocore's name of each service."""
    found: dict[str, tuple[str, str]] = {}
    for service in _loader().list_available_services("service-2"):
        java = java_name(_metadata(service).service_id or service)
        source = SOURCES.get(service) or signs_as(service)
        if found.setdefault(java, (source, service))[0] != source:
            msg = f"{java} is both {found[java]} and {source, service}"
            raise ValueError(msg)
    return tuple((java, *rest) for java, rest in sorted(found.items()))


def _homes(service: str) -> dict[str, str]:
    """Find where a service lives that answers every Region of a partition alike.

    Its requests are signed for that Region. That it is also where CloudTrail has them
    is documented for us-east-1, and inferred for the homes of the other partitions.
    """
    found = {part: home for (name, part), home in HOMES.items() if name == service}
    if service not in _with_rules():
        return found
    rules = _loader().load_service_model(service, "endpoint-rule-set-1")
    provider = EndpointProvider(rules, _loader().load_data("partitions"))
    for partition, regions in _partitions().items():
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
    return frozenset(_loader().list_available_services("endpoint-rule-set-1"))


@lru_cache(maxsize=1)
def _partitions() -> dict[str, tuple[str, ...]]:
    """Give the Regions of each partition that has more than one."""
    told = _loader().load_data("partitions")["partitions"]
    regions = {
        partition["id"]: tuple(r for r in partition["regions"] if "-global" not in r)
        for partition in told
    }
    return {name: found for name, found in regions.items() if len(found) > 1}


def written(found: Mapping[str, Any], *in_lines: str) -> str:
    """Write a table; some of its objects, or all, with a service a line."""
    sections = []
    for name, value in found.items():
        text = json.dumps(value)
        if isinstance(value, dict) and name in (in_lines or found):
            lines = (f'  "{key}": {json.dumps(value[key])}' for key in value)
            text = "{\n" + ",\n".join(lines) + "\n }"
        sections.append(f' "{name}": {text}')
    return "{\n" + ",\n".join(sections) + "\n}\n"


if __name__ == "__main__":
    with as_file(TABLE) as path:
        path.write_text(written(table()), encoding="utf-8")
