"""AWS's JSON answers, read faster than botocore does it, to the same values.

Botocore asks a structure for each member that its model has: forty of an event of a
history, of which five are there. Half of the time of reading a long one goes there.
Here what came is looked up in the model, by a reader that each shape gets once.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from aiobotocore.parsers import AioJSONParser, AioResponseParserFactory
from botocore.model import ListShape, MapShape, Shape, StructureShape

_Reader = Callable[[Any], Any]
# Its stubs leave out what is needed here.
_Factory: Any = AioResponseParserFactory
_Usual: Any = AioJSONParser


class Answers(_Factory):  # type: ignore[misc]
    """Makes the parsers of a session: our own for JSON, and else what there is."""

    def create_parser(self, protocol_name: str) -> Any:
        if protocol_name == "json":
            return _Json(**self._defaults)
        return super().create_parser(protocol_name)


class _Json(_Usual):  # type: ignore[misc]
    """Reads what is there, as the model names it; what the model lacks is left out."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._readers: dict[Shape, _Reader | None] = {}
        self._decoded: tuple[bytes, Any] = (b"", None)

    def is_object(self, body: bytes) -> bool:
        """Decode a body that is to be parsed; True if it is known to be an object."""
        try:
            self._decoded = body, msgspec.json.decode(body)
        except (ValueError, RecursionError):
            return False
        return type(self._decoded[1]) is dict

    def _parse_body_as_json(self, body_contents: bytes) -> Any:
        (body, value), self._decoded = self._decoded, (b"", None)
        if body and body is body_contents:
            return value
        try:
            return msgspec.json.decode(body_contents)
        except (ValueError, RecursionError):
            return super()._parse_body_as_json(body_contents)

    def _parse_shape(self, shape: Shape, node: Any) -> Any:
        read = self._reader(shape)
        return node if read is None else read(node)

    def _reader(self, shape: Shape) -> _Reader | None:
        """Give what reads a shape; None for what is as it came."""
        if shape not in self._readers:
            self._readers[shape] = self._made(shape)
        return self._readers[shape]

    def _made(self, shape: Shape) -> _Reader | None:
        if isinstance(shape, StructureShape):
            return self._structure(shape)
        if isinstance(shape, ListShape):
            return self._list(shape)
        if isinstance(shape, MapShape):
            return lambda value: self._handle_map(shape, value)
        match shape.type_name:
            case "timestamp":
                parse: _Reader = self._timestamp_parser
                return parse
            case "blob":
                return lambda value: self._handle_blob(shape, value)
        return None

    def _structure(self, shape: StructureShape) -> _Reader | None:
        if shape.is_document_type:
            return None
        if shape.is_tagged_union:
            return lambda value: self._handle_structure(shape, value)
        members: dict[str, tuple[str, _Reader | None]] = {}
        same: set[str] = set()
        parsed: dict[str, _Reader] = {}

        def read(value: Any) -> Any:
            if value is None:
                return None
            if not members:
                # Now, and not before: a shape may be a member of itself.
                members.update(self._members(shape))
                same.update(key for key, (name, _) in members.items() if key == name)
                parsed.update({key: one for key, (_, one) in members.items() if one})
            if value.keys() <= same and None not in value.values():
                # All of it is known by its own name: what was decoded can stay.
                for key in value if parsed else ():
                    if key in parsed:
                        value[key] = parsed[key](value[key])
                return value
            return _known(value, members)

        return read

    def _members(self, shape: StructureShape) -> dict[str, tuple[str, _Reader | None]]:
        return {
            member.serialization.get("name", name): (name, self._reader(member))
            for name, member in shape.members.items()
        }

    def _list(self, shape: ListShape) -> _Reader:
        read = self._reader(shape.member)
        if read is None:
            return list
        return lambda values: [None if v is None else read(v) for v in values]


def _known(value: Any, members: Mapping[str, tuple[str, _Reader | None]]) -> Any:
    """Read what has a name in the model, under that name."""
    found = {}
    for key, raw in value.items():
        known = members.get(key)
        if known is not None and raw is not None:
            name, read = known
            found[name] = raw if read is None else read(raw)
    return found
