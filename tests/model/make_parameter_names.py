"""Make the table by which parameters are compared, from the models botocore ships.

    python -m tests.model.make_parameter_names

writes `templates/parameter_names.json`. Step Functions writes an API's members by the
names that the AWS SDK for Java has for them, CloudTrail as the service has them. Small
letters and digits alone tell them to be one and the same in 18,241 of 19,385
operations: no input has two members that are equal then. For the others the models
say what a member is called in the request; where CloudTrail writes that, and where the
member's own name, is known of few services, so both names stand for one. What no model
has is written by hand, in the table itself, and stays as it is: see `BY_HAND`.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from importlib.resources import as_file, files
from typing import Any

import botocore
from msgspec import Struct, field

from sfnwatch.model.linking.leaves import plain_key
from tests.model.make_sdk_services import read_model, services, written

TABLE = files("sfnwatch.templates") / "parameter_names.json"
SHIPPED = json.loads(TABLE.read_text(encoding="utf-8"))

NAMES = """
ec2 securitygroupid groupid
ec2 securitygroupids groupid
elasticmapreduce clusterid jobflowid
elasticmapreduce jobflowids jobflowid
elasticmapreduce stepids stepid
s3 bucket bucketname
"""
"""Names that no model has: what CloudTrail writes in samples of RunInstances and of S3,
and what Step Functions' optimized integration calls the parts of EMR's requests, by the
developer guide's page on it."""
BY_HAND = (
    *("own", "silent", "unrecorded", "open", "moved", "endings", "wrappers", "things"),
)
"""Sections of the table that are written in it by hand.

- `own`: what keys and names begin with that Step Functions adds by itself: which
  execution started another, that a build or a job of Batch is its own [documented].
- `silent`: what says nothing, and how that is known: what Step Functions sets by
  itself, and what stands for a value that is kept back, beside stars and what ends in
  dots.
- `unrecorded`: payloads, which CloudTrail never has: they would be read for nothing.
- `open`: keys, by the call, whose one object's members are the request's own:
  RunInstances has ImageId in `instancesSet` [documented], addStep has one step, not a
  list of them.
- `moved`: what an HTTP task calls the connection whose secret is read for it.
- `endings`: what ends the names of lists in the records of a service, and may be left
  out.
- `wrappers`: what ends the key around all of a request: `CreateLaunchTemplateRequest`,
  which has members as the request itself does, and lists as `{tag: 1, content: …}`
  [observed].
- `things`: what an ARN of these services names, which doesn't say it.
"""


class _Member(Struct, rename="camel"):
    shape: str
    location: str = ""
    location_name: str = ""
    idempotency_token: bool = False


class _Shape(Struct):
    members: dict[str, _Member] = field(default_factory=dict)
    member: _Member | None = None
    key: _Member | None = None
    value: _Member | None = None

    @property
    def inner(self) -> Iterator[str]:
        for part in (*self.members.values(), self.member, self.key, self.value):
            if part is not None:
                yield part.shape


class _Operation(Struct):
    input: _Member | None = None


class Model(Struct):
    operations: dict[str, _Operation]
    shapes: dict[str, _Shape]

    def inputs(self) -> list[_Shape]:
        """Give every shape that stands somewhere in a request."""
        left = [each.input.shape for each in self.operations.values() if each.input]
        found = dict.fromkeys(left)
        for name in left:
            for inner in self.shapes[name].inner:
                if inner not in found:
                    found[inner] = None
                    left.append(inner)
        return [self.shapes[name] for name in found]


def table() -> dict[str, Any]:
    """Work out what the table says, by today's models."""
    shapes: dict[str, list[_Shape]] = defaultdict(list)
    for _, source, name in services():
        shapes[source] += read_model(name, Model).inputs()
    told = [line.split() for line in NAMES.strip().splitlines()]
    names = {
        source: _names(source, of, {a: b for each, a, b in told if each == source})
        for source, of in sorted(shapes.items())
    }
    every = (pair for of in shapes.values() for each in of for pair in _of(each))
    return {
        "botocore": botocore.__version__,
        "names": {source: found for source, found in names.items() if found},
        "tokens": sorted({name for name, member in every if _is_token(name, member)}),
        **{name: SHIPPED[name] for name in BY_HAND},
    }


def _of(shape: _Shape) -> Iterator[tuple[str, _Member]]:
    return ((plain_key(name), member) for name, member in shape.members.items())


def _is_token(name: str, member: _Member) -> bool:
    """Some models mark ids that callers choose as such tokens, too."""
    return member.idempotency_token and name.endswith(("token", "tokenid", "requestid"))


def _names(
    source: str, shapes: Iterable[_Shape], told: Mapping[str, str]
) -> dict[str, str]:
    """Pair the members' names with the request's, where that takes none for another.

    Of headers S3 alone is known to write the names.
    """
    ending = SHIPPED["endings"].get(source, "")
    pairs: dict[str, set[str]] = defaultdict(set)
    structures = [
        {name.removesuffix(ending): member for name, member in _of(shape)}
        for shape in shapes
    ]
    for structure in structures:
        for name, member in structure.items():
            wire = plain_key(member.location_name).removesuffix(ending)
            is_written = member.location != "header" or source == "s3"
            if wire and wire != name and is_written:
                pairs[name].add(wire)
    found = {name: wires.pop() for name, wires in pairs.items() if len(wires) == 1}
    found |= told
    while bad := _mistaken(found, structures):
        found = {name: wire for name, wire in found.items() if name not in bad}
    return dict(sorted(found.items()))


def _mistaken(
    names: Mapping[str, str], structures: Iterable[Iterable[str]]
) -> set[str]:
    """Find the names of two members of one structure that would become one.

    And those that become what becomes something else.
    """
    bad = {name for name, wire in names.items() if wire in names}
    for structure in structures:
        became: dict[str, str] = {}
        for name in structure:
            other = became.setdefault(names.get(name, name), name)
            if other != name:
                bad |= {name, other} & names.keys()
    return bad


if __name__ == "__main__":
    with as_file(TABLE) as path:
        path.write_text(written(table(), "names"), encoding="utf-8")
