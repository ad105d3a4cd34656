"""The lanes as text, and with the timeline as a picture: drawn from the same lines."""

import re
import xml.etree.ElementTree as ET
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.color import Color

from sfnwatch.export.svg.canvas import CELL
from sfnwatch.export.svg.styles import stylesheet
from sfnwatch.export.wrapping import wrap_parts
from sfnwatch.tui.contrast import LEAST_CONTRAST, contrast
from sfnwatch.view.parts import Part, Role
from tests import builders as aws
from tests import examples
from tests.export.traces import RECORDS, export, printed

SVG = "{http://www.w3.org/2000/svg}"
PALETTE = {
    name: pair
    for name, *pair in re.findall(
        r"--(\w+):light-dark\((#\w+),(#\w+)\)", stylesheet("picture.css")
    )
}
ON_GROUNDS = set(PALETTE) - {"ground", "panel", "line", "idle"}


# -- text ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", RECORDS)
def test_no_line_of_text_ends_in_blanks(name: str) -> None:
    lines = export("text", name).splitlines()
    assert all(line == line.rstrip() for line in lines)


def test_wide_characters_take_two_cells_in_text() -> None:
    records = aws.History().start().state("お支払い").state("Pay").end().records
    lines = printed("text", records).splitlines()
    times = (re.search(r"\d\d:\d\d:\d\d\.\d{3}", line) for line in lines)
    found = zip(lines, times, strict=True)
    assert len({cell_len(line[: at.start()]) for line, at in found if at}) == 1


# -- pictures --------------------------------------------------------------------------


def picture(text: str) -> ET.Element:
    return ET.fromstring(text)  # noqa: S314 - our own text


def words(root: ET.Element) -> str:
    return " ".join("".join(text.itertext()) for text in root.iter(f"{SVG}text"))


def classes(root: ET.Element) -> set[str]:
    found = (element.get("class", "") for element in root.iter())
    return {name for each in found for name in each.split()}


@pytest.mark.parametrize("name", RECORDS)
def test_a_picture_needs_nothing_but_itself_and_has_all_in_its_frame(name: str) -> None:
    text = export("svg", name)
    assert text.isascii()
    assert not re.search(
        r"(href|url\(https?:|@import|<script|<image|foreignObject)", text
    )
    root = picture(text)
    width, height = (float(root.get(side, "")) for side in ("width", "height"))
    for run in root.iter(f"{SVG}text"):
        x, y = float(run.get("x", "")), float(run.get("y", ""))
        length = float(run.get("textLength", ""))
        assert 0 <= x <= x + length <= width + 1
        assert 0 <= y <= height
        cells = cell_len("".join(run.itertext()))
        assert length == pytest.approx(cells * CELL, abs=0.01)


def test_words_are_not_cut_and_denials_and_lags_can_be_seen() -> None:
    root = picture(export("svg", "denied"))
    told = words(root)
    assert "with no DescribeTasks call in between" in " ".join(told.split())
    assert "5 polls denied" in told
    assert {"cross", "action", "working", "completion-lag", "waiting"} <= classes(root)


def test_back_off_and_failures_have_a_look_of_their_own() -> None:
    found = classes(picture(export("svg", "shop")))
    assert {"backing-off", "failed", "container"} <= found


def test_executions_inside_are_counted_where_they_are_not_drawn() -> None:
    told = words(picture(export("svg", "photos")))
    assert "2 more, not read" in told
    many = words(picture(printed("svg", aws.photos(80, failing=3, read=12))))
    assert "68 more, not read" in many


def test_a_long_history_is_cut_and_says_so() -> None:
    run = aws.History(pace=0.01).start()
    for number in range(900):
        run.state(f"State {number}", "Wait")
    root = picture(printed("svg", run.end().records))
    assert float(root.get("height", "")) < 12_000
    told = words(root)
    assert "more lines" in told
    assert "more rows" in told


def test_a_redrive_after_weeks_leaves_room_for_what_was_done() -> None:
    run = aws.failed_history().redrive(wait=14 * 86400)
    run.task("Import", lasts=79, entered=2)
    root = picture(printed("svg", run.end().records))
    assert "redriven after" in words(root)
    bars = [r for r in root.iter(f"{SVG}rect") if "working" in r.get("class", "")]
    assert max(float(bar.get("width", "")) for bar in bars) > 100


@pytest.mark.parametrize("night", [0, 1])
def test_all_text_can_be_read_by_day_and_by_night(night: int) -> None:
    colors = {name: Color.parse(pair[night]) for name, pair in PALETTE.items()}
    for name, ground in product(ON_GROUNDS, ("ground", "panel")):
        assert contrast(colors[name], colors[ground]) >= LEAST_CONTRAST, name


@examples(100)
@given(
    st.lists(st.tuples(st.text(max_size=30), st.sampled_from(Role)), max_size=5),
    st.integers(8, 40),
)
def test_wrapping_loses_no_word_and_keeps_to_its_room(
    parts: list[tuple[str, Role]], room: int
) -> None:
    rows = wrap_parts([Part(*part) for part in parts], room)
    kept = "".join(part.text for row in rows for part in row)
    assert "".join(kept.split()) == "".join("".join(t for t, _ in parts).split())
    for row in rows:
        width = sum(cell_len(part.text) for part in row)
        assert width <= room


def test_equal_traces_give_equal_texts_and_pictures() -> None:
    records = RECORDS["shop"]
    for target in ("text", "svg", "html", "mermaid", "perfetto", "otlp", "csv"):
        assert printed(target, reversed(records)) == export(target, "shop")
