"""The OpenTelemetry collector that a session's spans go to."""

from typing import TYPE_CHECKING

from sfnwatch.errors import UsageError
from sfnwatch.session.session import Session
from sfnwatch.sources.endpoints import endpoint_refusal
from sfnwatch.sources.permissions import ALLOW_HTTP

if TYPE_CHECKING:
    from sfnwatch.export.otlp.collector_settings import CollectorSettings


def send_spans(watched: Session, endpoint: str | None) -> Session:
    """Have a session's spans go to a collector, where one is named."""
    if endpoint is not None:
        from sfnwatch.export.otlp.exporter import OtlpExporter

        collector = read_collector(endpoint)
        exporter = OtlpExporter(watched.trace, collector, watched.clock)
        watched.companions.append(exporter)
    return watched


def read_collector(endpoint: str) -> "CollectorSettings":
    """Read where spans go; raises UsageError, also where others could read them."""
    from sfnwatch.export.otlp.collector_settings import collector_settings
    from sfnwatch.export.otlp.collector_url import shown_url

    collector = collector_settings(endpoint)
    if endpoint_refusal(collector.url):
        msg = f"The collector {shown_url(collector.url)} is neither this machine nor"
        msg += " https: names, and keys in headers, could be read on the way."
        hint = f"Use https, or set {ALLOW_HTTP}=1 if that is meant."
        raise UsageError(msg, hint=hint)
    return collector
