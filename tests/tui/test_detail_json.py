"""JSON in the detail: a tree that loses nothing, and text that is safe to paste."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.model.texts import clean
from sfnwatch.tui.json_lines import line_spans
from sfnwatch.tui.json_text import decode_json, json_text
from sfnwatch.tui.json_tree import JsonFolds, JsonLine, JsonNode, masked_start
from sfnwatch.tui.spans import width_of

HOSTILE = "\x1b]0;x\x07 \x9b31m \u202egnp \r\n\x7f"
texts = st.text(max_size=20) | st.just(HOSTILE)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4)
    ),
    max_leaves=20,
)


def lines_of(
    value: Any, folds: JsonFolds | None = None, width: int = 60
) -> list[JsonLine]:
    root = JsonNode("$", "input", value)
    return list((folds or JsonFolds()).lines(root, width, str))


def words_of(value: Any, folds: JsonFolds | None = None, width: int = 60) -> list[str]:
    found = (line_spans(line, width, str) for line in lines_of(value, folds, width))
    return ["".join(span.text for span in spans).rstrip() for spans in found]


def all_open(value: Any, width: int) -> JsonFolds:
    """Open all there is, and all of it."""
    folds = JsonFolds()
    while True:
        lines = lines_of(value, folds, width)
        more = [line.node for line in lines if line.part == -1]
        closed = [line.node for line in lines if line.open is False]
        if not more and not closed:
            return folds
        for node in more:
            folds.show_more(node)
        folds.opened.update((node.path, True) for node in closed)


@given(values)
def test_what_is_written_reads_back_the_same_and_nothing_in_it_acts(value: Any) -> None:
    text = json_text(value)
    assert json.loads(text) == value
    assert all(c.isprintable() or c == "\n" for c in text)


@given(values, st.integers(12, 90))
def test_every_line_fits_and_is_harmless(value: Any, width: int) -> None:
    folds = all_open(value, width)
    for line in lines_of(value, folds, width):
        spans = line_spans(line, width, str)
        assert width_of(spans) <= width
        assert all(clean(span.text, 10_000) == span.text for span in spans)


@given(values)
def test_all_open_each_value_has_its_line(value: Any) -> None:
    def count(inner: Any) -> int:
        if isinstance(inner, str) and inner.lstrip()[:1] in {"{", "["}:
            inner = decode_json(inner)
        held = inner.values() if isinstance(inner, dict) else inner
        return 1 + (sum(map(count, held)) if isinstance(inner, dict | list) else 0)

    lines = lines_of(value, all_open(value, 90), 90)
    assert sum(not line.part for line in lines) == count(value)


def test_the_first_levels_are_open_and_the_closed_ones_are_counted() -> None:
    assert words_of({"a": {"b": {"c": {"d": 1, "e": 2}}}, "n": [], "x": "y"}) == [
        "  ▾ input  {3 keys}",
        "    ▾ a: {1 key}",
        "      ▾ b: {1 key}",
        "        ▸ c: {2 keys}",
        "      n: []",
        '      x: "y"',
    ]


def test_json_in_a_string_is_a_tree_that_says_what_it_is() -> None:
    inner = json.dumps({"TaskArn": "arn"})
    assert words_of({"Output": inner, "Text": "{no"})[1:] == [
        "    ▾ Output: ⟨json⟩ {1 key}",
        '        TaskArn: "arn"',
        '      Text: "{no"',
    ]


def test_numbers_leave_as_they_came() -> None:
    value = decode_json('{"a": 1.10, "b": 12345678901234567890.5, "c": 1e400}')
    assert [row.strip() for row in words_of(value)[1:]] == [
        "a: 1.10",
        "b: 12345678901234567890.5",
        "c: 1E+400",
    ]
    raw = b'{"a":1.10,"c":1e400}'
    assert json_text(raw) == '{\n  "a": 1.10,\n  "c": 1e400\n}'


def test_a_cut_string_opens_and_says_how_much_it_is() -> None:
    value = {"log": "x" * 5000}
    (_, cut) = words_of(value, width=40)
    assert cut.startswith('    ▸ log: "xxx')
    assert cut.endswith("…")
    folds = JsonFolds(opened={"$/0": True})
    opened = words_of(value, folds, 40)
    assert opened[1].endswith("5 KiB")
    assert opened[-1].strip() == "… 904 B more"
    folds.show_more(JsonNode("$/0", "log", "x" * 5000))
    assert sum(row.count("x") for row in words_of(value, folds, 40)) == 5000


def test_of_very_many_keys_some_are_shown_and_then_more() -> None:
    value = {str(n): n for n in range(25_000)}
    folds = JsonFolds(opened={"$": True})
    rows = words_of(value, folds)
    assert len(rows) == 202
    assert rows[-1].strip() == "… 24,800 more"
    folds.show_more(JsonNode("$", "input", value))
    assert len(words_of(value, folds)) == 802


def test_no_depth_stops_it() -> None:
    value: Any = 1
    for _ in range(5000):
        value = [value]
    assert json_text(value)
    lines = lines_of(value)
    opened = JsonFolds(opened={lines[-1].node.path: True})
    assert len(lines_of(value, opened)) == len(lines) + 1


def masked(text: str) -> str:
    return text.replace("123456789012", "000000000000").replace("secret-name", "name-1")


@pytest.mark.parametrize("limit", range(300, 330, 3))
def test_no_cut_shows_half_of_what_is_masked(limit: int) -> None:
    text = "x" * 310 + "secret-name" + "y" * 400
    assert "sec" not in masked_start(text, limit, masked)
