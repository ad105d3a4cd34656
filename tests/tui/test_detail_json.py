"""JSON as text and as a tree: exact, safe, and never in trouble with its size."""

import json
import math
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from sfnwatch.tui.json_draw import Ink, tree_pieces
from sfnwatch.tui.json_text import Number, json_text, parse_exactly, quoted
from sfnwatch.tui.json_tree import (
    CHILDREN,
    Folds,
    Node,
    TreeLine,
    opens_at_first,
    seen,
    tree_lines,
)
from sfnwatch.tui.record_wrap import broken, wrapped
from tests.tui.conftest import harmless

TEXT = st.text(st.characters())
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
    max_leaves=30,
)


def bottomless(depth: int = 10_000) -> Any:
    value: Any = "core"
    for number in range(depth):
        value = [value] if number % 2 else {"k": value}
    return value


def lines(value: Any, folds: Folds | None = None, width: int = 80) -> list[TreeLine]:
    return list(tree_lines(Node("Record", value), folds or Folds(), width, str))


def words(value: Any, folds: Folds | None = None, width: int = 80) -> list[str]:
    return [
        "".join(text for text, _ in tree_pieces(line, width, str))
        for line in lines(value, folds, width)
    ]


class Everything(Folds):
    """Opens all there is."""

    def is_open(self, node: Node) -> bool:
        del node
        return True


# -- text --------------------------------------------------------------------------


@given(JSON)
def test_what_is_written_reads_back_the_same_and_nothing_in_it_acts(value: Any) -> None:
    text = json_text(value)
    assert harmless(text.replace("\n", ""))
    back = json.loads(text)
    assert json.dumps(back, sort_keys=True) == json.dumps(value, sort_keys=True)


@given(TEXT)
def test_a_string_is_escaped_only_where_it_must_be(text: str) -> None:
    assert json.loads(quoted(text)) == text
    assert quoted(text).isprintable()
    if text.isprintable() and not {'"', "\\"} & set(text):
        assert quoted(text) == f'"{text}"'


def test_delete_and_c1_controls_do_not_get_through() -> None:
    assert quoted("a\x7f\x9b31m\u202e") == '"a\\u007f\\u009b31m\\u202e"'
    assert quoted("\U000e0041") == '"\\udb40\\udc41"'


def test_numbers_leave_as_they_came() -> None:
    text = '{"a": 1.10, "b": 1e400, "c": NaN, "d": ' + "9" * 20_000 + "}"
    value = parse_exactly(text)
    assert value["a"] == Number("1.10")
    assert json_text(value) == text.replace("{", "{\n  ").replace(
        ", ", ",\n  "
    ).replace("}", "\n}")


def test_numbers_that_python_will_not_write_are_written() -> None:
    assert json_text(10**10_000 + 7) == "1" + "0" * 9_999 + "7"
    assert json_text([math.nan, -math.inf]) == "[\n  NaN,\n  -Infinity\n]"


def test_no_depth_stops_the_writer() -> None:
    text = json_text(bottomless())
    assert text.count("[") == text.count("]") == 5_000
    assert len(text) < 3_000_000


# -- the tree ----------------------------------------------------------------------


def test_the_first_levels_are_open_and_say_what_is_in_the_closed_ones() -> None:
    value = {"a": {"b": {"c": {"d": 1}}}, "list": list(range(51)), "none": {}}
    assert words(value) == [
        "  ▾ Record  {3 keys}",
        "    ▾ a: {1 key}",
        "      ▾ b: {1 key}",
        "        ▸ c: {1 key}",
        "    ▸ list: [51 items]",
        "      none: {}",
    ]


def test_json_in_a_string_is_a_tree_that_says_what_it_is() -> None:
    value = {"output": json.dumps({"Tasks": [], "n": 1.50}), "no": "{no json"}
    assert words(value) == [
        "  ▾ Record  {2 keys}",
        "    ▾ output: ⟨json⟩ {2 keys}",
        "        Tasks: []",
        "        n: 1.5",
        '      no: "{no json"',
    ]


def test_each_kind_of_value_has_its_ink() -> None:
    value = {"s": "x", "n": 1, "f": 1.5, "t": True, "z": None, "e": '{"big":1e999}'}
    inks = [tree_pieces(line, 80, str)[-1][1] for line in lines(value)[1:]]
    assert inks[:5] == [Ink.STRING, Ink.NUMBER, Ink.NUMBER, Ink.LITERAL, Ink.LITERAL]
    assert tree_pieces(lines(value)[-1], 80, str)[-1] == ("1e999", Ink.NUMBER)


def test_keys_that_only_look_alike_are_told_apart() -> None:
    said = words({"key": 1, "key\u200b": 2, 'k"ey': 3, "": 4, " key": 5})
    assert said[1:] == [
        "      key: 1",
        '      "key\\u200b": 2',
        '      "k\\"ey": 3',
        '      "": 4',
        '      " key": 5',
    ]


def test_what_is_not_plain_json_is_shown_all_the_same() -> None:
    said = words({"nan": math.nan, "huge": 10**5_000, "set": {1}})
    assert said[1] == "      nan: NaN"
    assert said[2].startswith("    ▸ huge: 1000")
    assert said[2].endswith("KiB more")
    assert said[3] == '      set: "{1}"'


def test_a_cut_string_says_how_much_more_there_is_and_shows_it_step_by_step() -> None:
    value = {"log": "x" * 300_000}
    folds = Folds()
    closed = words(value, folds)[1]
    assert closed.startswith('    ▸ log: "xxx')
    assert closed.endswith("… 293 KiB more")
    root = Node("Record", value)
    node = root.children[0]
    folds.opened[node] = True
    sizes = []
    for _ in range(6):
        open_lines = list(tree_lines(root, folds, 80, str))
        sizes.append(sum(len(line.words) for line in open_lines))
        folds.show_more(node)
    assert sizes == [4096, 16384, 65536, 262144, 300_000, 300_000]
    assert open_lines[-1].rest == 0


def test_what_is_not_shown_is_counted_in_bytes() -> None:
    """Of 300 characters of three bytes each, 900 bytes are there to be shown."""
    (line,) = words({"s": "語" * 300})[1:]
    shown = line.count("語")
    assert line.endswith(f"… {900 - 3 * shown} B more")
    root = Node("Record", {"s": "語" * 5000})
    folds = Folds()
    folds.opened[root.children[0]] = True
    rest = list(tree_lines(root, folds, 80, str))[-1]
    assert rest.rest == 3 * (5000 - 4096)
    assert "… 3 KiB more" in "".join(t for t, _ in tree_pieces(rest, 80, str))


def test_a_text_of_several_lines_opens_into_them() -> None:
    root = Node("Cause", "Traceback:\n  File x\n\x1b[31mred")
    said = [
        "".join(t for t, _ in tree_pieces(line, 60, str))
        for line in tree_lines(root, Folds(), 60, str)
    ]
    assert said == [
        "  ▾ Cause  28 B",
        "    Traceback:",
        "      File x",
        "    ␛[31mred",
    ]


def test_an_object_of_25000_keys_shows_some_and_then_more() -> None:
    value = {f"key-{number}": number for number in range(25_000)}
    root, folds = Node("Record", value), Folds()
    assert not opens_at_first(root)
    assert len(list(tree_lines(root, folds, 80, str))) == 1
    folds.opened[root] = True
    some = list(tree_lines(root, folds, 80, str))
    assert len(some) == CHILDREN + 2
    text = "".join(t for t, _ in tree_pieces(some[-1], 80, str))
    assert text.strip() == "… 24,800 keys more"
    folds.show_more(root)
    assert len(list(tree_lines(root, folds, 80, str))) == 4 * CHILDREN + 2


def test_a_depth_of_10000_can_be_opened_to_the_bottom() -> None:
    said = words(bottomless(), Everything(), 40)
    assert len(said) == 10_001
    assert said[-1].strip() == '10000›   k: "core"'
    assert max(map(cell_len, said)) <= 40
    assert words(bottomless())[3].strip() == "▸ 0: {1 key}"


def test_one_value_in_two_places_opens_in_one_only() -> None:
    same = {"deep": [1]}
    root, folds = Node("Record", {"a": same, "b": same}), Folds()
    folds.opened[root.children[0]] = False
    opened = {
        line.node.label: line.opened
        for line in tree_lines(root, folds, 80, str)
        if line.node.label in {"a", "b"}
    }
    assert opened == {"a": False, "b": True}


def walk(value: Any, width: int, folds: Folds) -> Iterator[str]:
    for line in lines(value, folds, width):
        yield "".join(text for text, _ in tree_pieces(line, width, str))


@given(JSON, st.integers(1, 120), st.sampled_from([Everything, Folds]))
def test_every_line_fits_and_is_harmless(
    value: Any, width: int, folds: type[Folds]
) -> None:
    for line in walk(value, width, folds()):
        assert cell_len(line) <= width
        assert harmless(line)


@given(JSON)
def test_all_open_and_wide_each_value_has_its_line(value: Any) -> None:
    """There are as many nodes as the value has values, each of them once."""

    def count(part: Any) -> int:
        if isinstance(part, dict):
            return 1 + sum(map(count, part.values()))
        return 1 + (sum(map(count, part)) if isinstance(part, list) else 0)

    folds = Everything()
    nodes = [line.node for line in lines(value, folds, 10_000) if line.part == 0]
    plain = [node for node in nodes if not node.embedded]
    if len(plain) == len(nodes):
        assert len(set(nodes)) == count(value)


# -- masks and lines ---------------------------------------------------------------


@pytest.mark.parametrize("limit", range(1, 400, 7))
def test_no_cut_shows_half_of_what_is_masked(limit: int) -> None:
    text = "123456789012 " * 100

    def mask(words: str) -> str:
        return words.replace("123456789012", "A")

    assert set(seen(text, limit, mask)) <= set("A ")


@given(st.text(), st.integers(2, 60))
def test_wrapped_text_fits_and_loses_nothing_but_spaces(text: str, width: int) -> None:
    for lines_of in (wrapped(text, width), broken(text, width)):
        assert all(cell_len(line) <= width for line in lines_of)
        assert "".join(lines_of).replace(" ", "") == text.replace(" ", "")


def test_long_text_is_broken_where_it_is_full() -> None:
    assert broken("x" * 5_000, 1_000) == ["x" * 1_000] * 5
    assert "".join(broken("夜" * 5_000, 99)) == "夜" * 5_000


def test_indented_text_stays_indented() -> None:
    assert wrapped("    at main.py line 3", 12) == ["    at", "main.py line", "3"]
