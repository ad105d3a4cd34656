"""Opens our exports in the programs they are made for, and makes pictures of that.

`SFNWATCH_VIEWERS=DIR .venv/bin/python screenshots/viewers.py [FOLDER]`, where DIR is
what tests/viewers/install.sh made. Records the demo's account as make.py does.
"""

import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from make import record  # noqa: E402

from sfnwatch.model.records import Received  # noqa: E402
from sfnwatch.recording.recorded_file import RecordedFile  # noqa: E402
from tests.export.traces import printed  # noqa: E402
from tests.viewers.browser import Page, browser, served  # noqa: E402
from tests.viewers.mermaid import draw, open_mermaid  # noqa: E402
from tests.viewers.perfetto import load, load_in_tracing, query  # noqa: E402
from tests.viewers.readers import LEGACY, MERMAID, PERFETTO  # noqa: E402

SELECTED = {
    "sync-denied": "select id from slice where name glob 'DescribeTasks #3*'",
    "pipeline": "select id from slice where name glob '*try 2'",
}
"""What is clicked on in Perfetto, for its details to be seen."""
REPORTED = ("three-ways", "sync-denied")
_SETTLED = "await new Promise(done => setTimeout(done, 1500))"
_EXPAND = """
const app = window.app;
if (app.sidebar.visible) app.sidebar.toggleVisibility();
await app.commands.runCommand('dev.perfetto.ExpandAllGroups');
"""
_SELECT = """
const [id] = args;
const how = {switchToCurrentSelectionTab: true};
window.app.trace.selection.selectSqlEvent('slice', id, how);
"""
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


def show(page: Page, sql: str) -> None:
    """Show all tracks of the trace that is loaded, and what `sql` gives the id of."""
    page.run(_EXPAND)
    page.run(_SELECT, query(page, sql)[0][0])


def pictures(page: Page, told: Mapping[str, Sequence[Received]], folder: Path) -> None:
    def take(name: str) -> None:
        page.run(_SETTLED)
        path = folder / f"{name}.png"
        path.write_bytes(page.screenshot())
        print(path)  # noqa: T201

    with served(PERFETTO) as address:
        for name, chosen in SELECTED.items():
            text = printed("perfetto", told[name])
            page.open("about:blank")
            page.open(f"{address}#!/viewer")
            load(page, name, text)
            show(page, chosen)
            take(f"perfetto-{name}")
        page.open(f"{address}{LEGACY}")
        load_in_tracing(page, "pipeline", printed("perfetto", told["pipeline"]))
        take("tracing-pipeline")
    with served(MERMAID) as address:
        open_mermaid(page, address)
        draw(page, printed("mermaid", told["sync-denied"]))
        page.run(_FIT)
        take("mermaid-sync-denied")
    with tempfile.TemporaryDirectory() as reports:
        for name in REPORTED:
            report = Path(reports) / f"{name}.html"
            report.write_text(printed("html", told[name]), encoding="utf-8")
            page.open(report.as_uri())
            take(f"report-{name}")


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as recordings, browser(1500, 1100) as page:
        told = {}
        for scenario in {**SELECTED, **dict.fromkeys(REPORTED)}:
            path = record(scenario, Path(recordings))
            told[scenario] = list(RecordedFile(path).records())
        pictures(page, told, folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
