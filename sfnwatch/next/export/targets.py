"""What a trace can be written as: one name, one module, one sentence each."""

import importlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TextIO

from msgspec import Struct

if TYPE_CHECKING:
    from sfnwatch.next.model.moment import Moment


class Target(Struct, frozen=True):
    """A format; its module is imported when it is asked for."""

    module: str
    words: str
    """What it is, and what reads it."""

    @property
    def dump(self) -> "Callable[[Moment, TextIO], None]":
        module = importlib.import_module(f"sfnwatch.next.export.{self.module}")
        dump: Callable[[Moment, TextIO], None] = module.dump
        return dump


TARGETS: Mapping[str, Target] = {
    "json": Target("json", "the whole trace, one object: jq, scripts"),
    "html": Target("html", "a report in one file, to mail and to search: a browser"),
    "svg": Target("svg", "the timeline and the lanes as a picture"),
    "perfetto": Target("perfetto", "Chrome trace JSON: ui.perfetto.dev"),
    "otlp": Target("otlp", "OpenTelemetry spans as OTLP/JSON: Jaeger, a collector"),
    "mermaid": Target("mermaid", "a sequence diagram: GitHub, GitLab, a wiki"),
    "csv": Target("csv", "a row for each event and call: a spreadsheet"),
    "text": Target("text", "the lanes as text: a mail, an editor"),
}
