"""What was asked for, once all is decided: frozen, and passed in."""

from enum import StrEnum
from pathlib import Path
from typing import Literal

from msgspec import Struct, field

from sfnwatch.sources.wanted import Following, TrailOptions


class Output(StrEnum):
    """How a watch or a replay is shown."""

    SCREEN = "screen"
    PLAIN = "plain"
    JSON = "json"


class RecordSettings(Struct, frozen=True):
    """Whether and where what is received is written."""

    wanted: bool = True
    path: Path | None = None
    """None: a new file in the recordings' own directory."""


class AwsOptions(Struct, frozen=True):
    """What the AWS CLI's options of the same names say, and whom else to ask."""

    profile: str | None = None
    region: str | None = None
    endpoint_url: str | None = None
    trail: TrailOptions = field(default_factory=TrailOptions)
    following: Following = field(default_factory=Following)


class ScreenOptions(Struct, frozen=True):
    """What the command line says of the screen; None leaves it to the configuration."""

    theme: str | None = None
    time: Literal["utc", "local"] | None = None
    ascii: bool | None = None
    present: bool | None = None
    filter: str | None = None
