"""The OpenTelemetry collector that a session's spans go to."""

from typing import TYPE_CHECKING

from sfnwatch.errors import UsageError
from sfnwatch.session.session import Session
from sfnwatch.sources.endpoints import endpoint_refusal
from sfnwatch.sources.permissions import ALLOW_HTTP

if TYPE_CHECKING:
    from sfnwatch.export.otlp.collector_settings import CollectorSettings


def send_spans(session: Session, endpoint: str | None) -> None:
    """Have a session send its spans to a collector, if there is an endpoint."""
    if endpoint is None:
        return
    from sfnwatch.export.otlp.exporter import OtlpExporter

    collector = read_collector(endpoint)
    exporter = OtlpExporter(session.trace, collector, session.clock)
    session.companions.append(exporter)


def read_collector(endpoint: str) -> "CollectorSettings":
    """Return a collector's settings.

    Raises UsageError, also if spans would be sent to another machine unencrypted.
    """
    from sfnwatch.export.otlp.collector_settings import collector_settings
    from sfnwatch.export.otlp.collector_url import shown_url

    collector = collector_settings(endpoint)
    if endpoint_refusal(collector.url):
        url = shown_url(collector.url)
        msg = (
            f"The collector {url} is neither this machine nor https: names, and keys in"
            " headers, could be read on the way."
        )
        hint = f"Use https, or set {ALLOW_HTTP}=1 if that is meant."
        raise UsageError(msg, hint=hint)
    return collector
