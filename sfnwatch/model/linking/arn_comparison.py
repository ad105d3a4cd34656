"""Compares ARNs with each other, and with the names that may stand for them.

A comparison gives True, False, or None where it proves nothing.
"""

import re

from sfnwatch.model.linking.leaves import COLONS_OF_ARN, SEPARATORS_OF_ARN

_VERSIONED = re.compile(
    r"(?P<kind>(?:function|stateMachine):|(?:task|job)-definition/)?"
    r"(?P<name>[^:/]+)(?::(?P<version>[^:/]+))?"
)
_WITH_SLASHES = ("parameter/", "log-group:")
"""Beginnings of ARNs' resources whose names may contain slashes: no part of such a name
is a name itself."""
_RANDOM_END = len("-AbCdEf")
"""The length of the suffix that Secrets Manager appends to a secret's name."""
_REDACTED = re.compile(r"[a-z]+(-[a-z]+)*-\d+")


def is_same_resource(one: str, other: str) -> bool | None:
    """Compare an ARN with another ARN, or with a name that may stand for it."""
    arn = one
    name = other
    if not one.startswith("arn:"):
        arn = other
        name = one
    *head, resource = arn.split(":", COLONS_OF_ARN)
    if not name.startswith("arn:"):
        return _is_name_of(arn, resource, name)
    *other_head, other_resource = name.split(":", COLONS_OF_ARN)
    if head[2:3] != other_head[2:3]:
        return _is_same_connection(resource, other_resource)
    for a, b in zip(head, other_head, strict=False):
        # A part that an ARN leaves out, such as a bucket's Region, fits any other.
        if a and b and a != b:
            return False
    return resource == other_resource or is_same_version(resource, other_resource)


def _is_name_of(arn: str, resource: str, name: str) -> bool | None:
    """True if a name, a partial ARN or a queue's URL is the one of an ARN.

    None for the alias of a key: it does not show which key it stands for.
    """
    if name.startswith("alias/"):
        return None
    if resource.startswith("connection/"):
        return _is_same_connection(resource, f"secret:{name}")
    name = name.rpartition("/")[2] if "://" in name else name.lstrip("/")
    if ":" in name and arn.endswith(f":{name}"):
        return True
    versioned = _VERSIONED.fullmatch(resource)
    if versioned and versioned["kind"]:
        return None if name.count(":") > 1 else is_same_version(resource, name)
    own_name = SEPARATORS_OF_ARN.split(resource, maxsplit=1)[-1]
    own_name = own_name.removesuffix(":*").lstrip("/")
    if resource.startswith("secret:"):
        return _is_name_of_secret(own_name, name)
    if own_name == name:
        return True
    if resource.startswith(_WITH_SLASHES):
        return False
    return own_name.endswith((f":{name}", f"/{name}"))


def _is_name_of_secret(own_name: str, name: str) -> bool | None:
    if name in {own_name, own_name[:-_RANDOM_END]}:
        return True
    is_redacted = _REDACTED.fullmatch(own_name.rpartition("/")[2])
    return None if is_redacted else False


def is_same_version(resource: str, other: str) -> bool | None:
    """Compare two resources that have versions; `resource` is that of an ARN.

    A resource without a version equals any version: ECS then takes the newest revision
    of a family, and a record may have that revision. An alias equals any number, since
    it stands for one. The result is None for two redacted versions, for their aliases
    do not show which is a number.
    """
    one = _VERSIONED.fullmatch(resource)
    two = _VERSIONED.fullmatch(other)
    if not one or not two or not one["kind"] or one["name"] != two["name"]:
        return False
    versions = {one["version"], two["version"]} - {None}
    aliases = [version for version in versions if _is_alias(version)]
    is_alias_beside_number = len(versions) > 1 and len(aliases) == 1
    if len(versions) <= 1 or is_alias_beside_number:
        return True
    return None if all(map(_REDACTED.fullmatch, versions)) else False


def _is_alias(version: str) -> bool:
    return not version.isdecimal() and version != "$LATEST"


def _is_same_connection(one: str, other: str) -> bool | None:
    """Compare a connection of EventBridge with the secret that it keeps.

    `connection/NAME/ID` has the secret `secret:events!connection/NAME/ID-…`
    [documented]. A redacted secret has only its names. The result is None for any other
    two resources of different services: they cannot be compared.
    """
    connection, secret = sorted((one, other))
    if not connection.startswith("connection/") or not secret.startswith("secret:"):
        return None
    if connection.split("/")[1:2] == secret.split("/")[1:2]:
        return True
    return False if "!connection/" in secret else None
