"""Values like others: of a Struct and of a dataclass alike."""

from dataclasses import dataclass
from typing import Any

import pytest
from msgspec import Struct

from sfnwatch.trace.values import replace


class Light(Struct, frozen=True):
    one: int
    two: int = 2


@dataclass(frozen=True)
class Heavy:
    one: int
    two: int = 2


@pytest.mark.parametrize("kind", [Light, Heavy])
def test_what_is_changed_is_and_the_rest_is_as_it_was(kind: Any) -> None:
    value = kind(1)
    assert replace(value, two=3) == kind(1, 3)
    assert value == kind(1, 2)


@pytest.mark.parametrize("value", [Light(1), Heavy(1)])
def test_what_there_is_not_can_not_be_changed(value: Any) -> None:
    with pytest.raises(TypeError):
        replace(value, three=3)
