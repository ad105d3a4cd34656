"""Opens our exports in the programs they are made for, and makes pictures of that.

`SFNWATCH_VIEWERS=DIR .venv/bin/python screenshots/viewers.py [FOLDER]`, where DIR is
what tests/viewers/install.sh made. Records the demo's account as make.py does.
"""

import sys
import tempfile
from io import StringIO
from pathlib import Path
from types import ModuleType

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from make import record  # noqa: E402

from sfnwatch.export import html, mermaid, perfetto  # noqa: E402
from sfnwatch.recording.files import open_files  # noqa: E402
from sfnwatch.trace.timeline import Trace, extend  # noqa: E402
from tests.viewers.browser import Page, browser, served  # noqa: E402
from tests.viewers.mermaid import draw, open_mermaid  # noqa: E402
from tests.viewers.perfetto import load, load_in_tracing, show  # noqa: E402
from tests.viewers.readers import LEGACY, MERMAID, PERFETTO  # noqa: E402

SELECTED = {
    "sync-denied": "select id from slice where name glob 'DescribeTasks #3*'",
    "pipeline": "select id from slice where name glob '*try 2'",
}
"""What is clicked on in Perfetto, for its details to be seen."""
REPORTED = ("three-ways", "sync-denied")
_SETTLED = "await new Promise(done => setTimeout(done, 1500))"
_FIT = """
document.body.style.margin = 0;
const drawing = document.querySelector('svg');
const box = drawing.viewBox.baseVal;
const scale = Math.min(innerWidth / box.width, innerHeight / box.height);
drawing.style.maxWidth = 'none';
drawing.style.display = 'block';
drawing.style.margin = '0 auto';
drawing.setAttribute('width', box.width * scale);
drawing.setAttribute('height', box.height * scale);
"""


def exported(kind: ModuleType, trace: Trace) -> str:
    out = StringIO()
    kind.dump(trace, out)
    return out.getvalue()


def pictures(page: Page, traces: dict[str, Trace], folder: Path) -> None:
    def take(name: str) -> None:
        page.run(_SETTLED)
        path = folder / f"{name}.png"
        path.write_bytes(page.screenshot())
        print(path)  # noqa: T201

    with served(PERFETTO) as address:
        for name, chosen in SELECTED.items():
            text = exported(perfetto, traces[name])
            page.open("about:blank")
            page.open(f"{address}#!/viewer")
            load(page, name, text)
            show(page, chosen)
            take(f"perfetto-{name}")
        page.open(f"{address}{LEGACY}")
        load_in_tracing(page, "pipeline", exported(perfetto, traces["pipeline"]))
        take("tracing-pipeline")
    with served(MERMAID) as address:
        open_mermaid(page, address)
        draw(page, exported(mermaid, traces["sync-denied"]))
        page.run(_FIT)
        take("mermaid-sync-denied")
    with tempfile.TemporaryDirectory() as reports:
        for name in REPORTED:
            report = Path(reports) / f"{name}.html"
            report.write_text(exported(html, traces[name]), encoding="utf-8")
            page.open(report.as_uri())
            take(f"report-{name}")


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as recordings, browser(1500, 1100) as page:
        traces = {}
        for scenario in {**SELECTED, **dict.fromkeys(REPORTED)}:
            path = record(scenario, Path(recordings))
            traces[scenario] = extend(Trace(), open_files([path]).records)
        pictures(page, traces, folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
