"""The formats of `sfnwatch export`, and the modules that write them."""

import importlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TextIO

from msgspec import Struct

if TYPE_CHECKING:
    from sfnwatch.model.snapshot import Snapshot


class ExportFormat(Struct, frozen=True):
    """A format. Its module is imported only when the format is asked for."""

    module: str
    """The module below `sfnwatch.export` whose `dump` writes the format."""
    words: str
    """What the format is, and what reads it."""

    @property
    def dump(self) -> "Callable[[Snapshot, TextIO], None]":
        module = importlib.import_module(f"sfnwatch.export.{self.module}")
        dump: Callable[[Snapshot, TextIO], None] = module.dump
        return dump


TARGETS: Mapping[str, ExportFormat] = {
    "json": ExportFormat("json.trace", "the whole trace, one object: jq, scripts"),
    "html": ExportFormat(
        "html.report", "a report in one file, to mail and to search: a browser"
    ),
    "svg": ExportFormat("svg.picture", "the timeline and the lanes as a picture"),
    "perfetto": ExportFormat("perfetto.drawing", "Chrome trace JSON: ui.perfetto.dev"),
    "otlp": ExportFormat(
        "otlp.document", "OpenTelemetry spans as OTLP/JSON: Jaeger, a collector"
    ),
    "mermaid": ExportFormat(
        "mermaid.sequence", "a sequence diagram: GitHub, GitLab, a wiki"
    ),
    "flowchart": ExportFormat(
        "mermaid.flowchart",
        "the way through the state machine, in Mermaid: GitHub, a wiki",
    ),
    "csv": ExportFormat("csv", "a row for each event and call: a spreadsheet"),
    "text": ExportFormat("text", "the lanes as text: a mail, an editor"),
}
