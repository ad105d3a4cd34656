"""JSON answers are read to the values that botocore reads them to."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from aiobotocore.parsers import AioJSONParser
from botocore.loaders import create_loader
from botocore.model import (
    ListShape,
    MapShape,
    ServiceModel,
    Shape,
    StructureShape,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from sfnwatch.sources.answers import Answers
from sfnwatch.sources.aws import _timestamp

SERVICES = ("stepfunctions", "cloudtrail", "logs", "athena", "sqs", "ecs")
_DEPTH = 4
_EPOCHS = st.floats(0, 2e9).map(lambda number: round(number, 3))


def model_of(service: str) -> ServiceModel:
    return ServiceModel(create_loader().load_service_model(service, "service-2"))


def answers_of(model: ServiceModel) -> dict[str, StructureShape]:
    outputs = {
        name: model.operation_model(name).output_shape for name in model.operation_names
    }
    return {name: shape for name, shape in outputs.items() if shape is not None}


MODELS: Mapping[str, Mapping[str, StructureShape]] = {
    service: answers_of(model_of(service)) for service in SERVICES
}


def values(shape: Shape, depth: int = _DEPTH) -> st.SearchStrategy[Any]:
    """Draw what may come for a shape, with nulls and members that no model has."""
    if isinstance(shape, StructureShape):
        return structures(shape, depth)
    if depth == 0:
        return st.none()
    if isinstance(shape, ListShape):
        return st.lists(st.none() | values(shape.member, depth - 1), max_size=2)
    if isinstance(shape, MapShape):
        return st.dictionaries(
            st.text(max_size=3), values(shape.value, depth - 1), max_size=2
        )
    scalars: dict[str, st.SearchStrategy[Any]] = {
        "timestamp": _EPOCHS,
        "blob": st.just("aGVsbG8="),
        "boolean": st.booleans(),
        "integer": st.integers(),
        "long": st.integers(),
    }
    return scalars.get(shape.type_name, st.text(max_size=4))


def structures(shape: StructureShape, depth: int) -> st.SearchStrategy[Any]:
    if shape.is_tagged_union:
        # Exactly one member; an empty one is an error to botocore.
        return st.just({"AMemberToCome": {"a": 1}})
    if depth == 0:
        return st.just({})
    members = {
        member.serialization.get("name", name): st.none() | values(member, depth - 1)
        for name, member in shape.members.items()
    }
    unknown = {"AMemberToCome": st.just(1), "message": st.text(max_size=3)}
    return st.fixed_dictionaries({}, optional={**unknown, **members})


def parsed_by(parser: Any, body: bytes, shape: StructureShape) -> Any:
    return parser._handle_json_body(body, shape)


@pytest.mark.parametrize("service", SERVICES)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_an_answer_is_what_botocore_reads_it_as(
    service: str, data: st.DataObject
) -> None:
    shapes = MODELS[service]
    shape = shapes[data.draw(st.sampled_from(sorted(shapes)))]
    body = json.dumps(data.draw(structures(shape, _DEPTH))).encode()
    answers = Answers()
    answers.set_parser_defaults(timestamp_parser=_timestamp)
    usual = AioJSONParser(timestamp_parser=_timestamp)
    ours = answers.create_parser("json")
    assert parsed_by(ours, body, shape) == parsed_by(usual, body, shape)
    assert parsed_by(ours, body, shape) == parsed_by(usual, body, shape)


@pytest.mark.parametrize("body", [b"", b"{", b"<html>", b'{"nextToken": NaN}', b"{}"])
def test_what_is_no_json_comes_to_the_same(body: bytes) -> None:
    shape = MODELS["stepfunctions"]["GetExecutionHistory"]
    ours = Answers().create_parser("json")
    usual = AioJSONParser()
    assert repr(parsed_by(ours, body, shape)) == repr(parsed_by(usual, body, shape))


def test_other_protocols_are_left_to_botocore() -> None:
    parser = Answers().create_parser("rest-xml")
    assert type(parser).__name__ == "AioRestXMLParser"
