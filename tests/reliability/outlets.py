"""Every way in which a trace leaves the program as text, in one table."""

import unicodedata
from collections.abc import Callable, Iterator, Mapping
from io import BytesIO, StringIO

from sfnwatch.export import (
    compare_json,
    compare_markdown,
    compare_text,
    report_json,
    report_markdown,
    report_text,
)
from sfnwatch.export.lines import PlainLines
from sfnwatch.export.otlp_settled import Settled
from sfnwatch.export.stream import JsonLines
from sfnwatch.export.targets import TARGETS
from sfnwatch.recording.format import encode_line
from sfnwatch.recording.recording import Recording
from sfnwatch.recording.redaction import redact, write_redacted
from sfnwatch.trace.compare import compare
from sfnwatch.trace.events import Batch
from sfnwatch.trace.heads import head_of
from sfnwatch.trace.payload import ascii_json
from sfnwatch.trace.report import report
from sfnwatch.trace.timeline import Trace, extend
from sfnwatch.tui.notify import notification
from tests.builders import START

Outlet = Callable[[Batch, Trace], str]
_LINES = {"\n"}
_ENDS = {"\n", "\r"}
"""A CSV's lines end with both, as its RFC says."""


def _target(name: str) -> Outlet:
    def written(_: Batch, trace: Trace) -> str:
        out = StringIO()
        TARGETS[name].dump(trace, out)
        return out.getvalue()

    return written


def _plain(batch: Batch, _: Trace) -> str:
    out, said = StringIO(), list[str]()
    lines = PlainLines(out, said.append)
    for record in batch:
        lines((record,))
    lines.finish()
    return "\n".join([out.getvalue(), *said])


def _json(batch: Batch, _: Trace) -> str:
    out = StringIO()
    lines = JsonLines(out)
    lines(batch)
    lines.finish()
    return out.getvalue()


def _report(form: str) -> Outlet:
    write = {
        "json": report_json.write_json,
        "markdown": report_markdown.write_markdown,
        "text": report_text.write_text,
    }[form]

    def written(_: Batch, trace: Trace) -> str:
        out = StringIO()
        write(report(trace), out)
        return out.getvalue()

    return written


def _comparison(form: str) -> Outlet:
    write = {
        "json": compare_json.write_json,
        "markdown": compare_markdown.write_markdown,
        "text": compare_text.write_text,
    }[form]

    def written(_: Batch, trace: Trace) -> str:
        first, *_rest = trace.timelines
        out = StringIO()
        write(compare(trace, first, list(trace.timelines)[-1]), out)
        return out.getvalue()

    return written


def _notified(_: Batch, trace: Trace) -> str:
    """Notify as one terminal or the other does, without the sequence that asks it."""
    told = []
    for timeline in trace.timelines.values():
        head = head_of(timeline)
        for terminal in ("xterm", "foot"):
            words = (head.name, f"{head.whole_name} {timeline.status}")
            sent = notification(*words, {"TERM": terminal})
            told.append(sent.removeprefix("\x1b]").removesuffix("\x1b\\"))
    return "\n".join(told)


def _recorded(batch: Batch, _: Trace) -> str:
    return "\n".join(encode_line(record, START) for record in batch)


def _redacted(batch: Batch, _: Trace) -> str:
    out = BytesIO()
    write_redacted(redact(Recording(batch)), out, "sfnwatch 0")
    return out.getvalue().decode()


def _sent(_: Batch, trace: Trace) -> str:
    """Write what a collector is sent while it is watched, and at the end."""
    settled = Settled()
    sent = [settled.take(trace), settled.take(trace, last=True)]
    return "\n".join(ascii_json({"resourceSpans": each}) for each in sent)


OUTLETS: Mapping[str, Outlet] = {
    **{name: _target(name) for name in TARGETS},
    "--plain": _plain,
    "--json": _json,
    **{f"explain {form}": _report(form) for form in ("json", "markdown", "text")},
    **{f"compare {form}": _comparison(form) for form in ("json", "markdown", "text")},
    "notification": _notified,
    "--otlp": _sent,
    "recording": _recorded,
    "redacted": _redacted,
}
JSON = {
    *("json", "--json", "otlp", "--otlp", "explain json", "compare json"),
    *("recording", "redacted"),
}
"""Written in ASCII alone; what Perfetto is given is cleaned instead."""


def leaks(name: str, text: str) -> list[str]:
    """Name what a terminal, a page or a parser could act on."""
    allowed = _ENDS if name == "csv" else _LINES
    return sorted(
        {
            f"U+{ord(c):04X}"
            for c in set(text)
            if c not in allowed
            and not c.isprintable()
            and unicodedata.category(c) != "Zs"
        }
    )


def every(batch: Batch) -> Iterator[tuple[str, str]]:
    """Give what each outlet makes of some records."""
    trace = extend(Trace(), batch)
    for name, outlet in OUTLETS.items():
        yield name, outlet(batch, trace)


__all__ = ["JSON", "OUTLETS", "every", "leaks"]
