"""What files may take: none of any kind, however packed, takes memory without bound."""

import gzip
import json
import tracemalloc
from collections.abc import Callable
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.errors import BadFileError
from sfnwatch.model import json_stream, text_stream
from sfnwatch.recording import imported_file, recorded_file, table_import
from sfnwatch.recording.format import encode_header, new_header
from sfnwatch.recording.reader import open_files
from tests import examples
from tests.builders import ARN, START
from tests.recording import files

SIZE = 2 << 20
"""Bytes of a file here."""
LINE, ALL = 1 << 16, 1 << 20
"""Bytes of a line or an item, and of all, that may be held here."""
MOST = 14 << 20
"""Bytes of memory that may be taken for that, tracemalloc's view of it."""
EVENT, CALL = json.dumps(files.events()[2]), json.dumps(files.trail_records()[0])
HEADER = encode_header(new_header(START, files.TOOL, [ARN])).decode()
OPENERS = {
    "nothing": "",
    "a list": "[",
    "an answer": '{"nextToken": "x", "events": [',
    "answers": '[{"Records": [',
    "an item": f'{{"events": [{EVENT}, {{"id": 4, "x": [',
    "another object": '{"logEvents": 1, "other": [',
    "a string": '{"events": ["',
    "a key": '[{"events": 1, "',
    "a recording": HEADER,
    "a record": HEADER + '{"at": 1, "source": "x", "data": {"a": [',
    "a header": '{"sfnwatch": 1, "tool": "x", "executions": [',
    "a table": ",".join(files.COLUMNS) + "\n",
    "a cell": ",".join(files.COLUMNS) + '\n"',
    "a trail": f'{{"Records": [{CALL},',
}
UNITS = (
    *("{},", '"a",', "1,", "[", '{"a":', "x", " ", "\n", "\0", "\U0001f600"),
    *(',"\n"', '"",', f"{EVENT},", f"{CALL},", f"{EVENT}\n"),
)
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "gzip": lambda data: gzip.compress(data, 1),
    "zstd": files.zstd,
}
CASES = list(product(OPENERS, UNITS, PACKERS))


def said_of(path: Path) -> str:
    """Read all of a file; give why it is refused, if it is."""
    try:
        for _ in open_files([path]).records():
            pass
    except BadFileError as error:
        return str(error)
    return ""


@examples(20)
@given(st.sampled_from(CASES))
def test_whatever_goes_on_without_end_is_read_within_bounds(
    case: tuple[str, str, str],
) -> None:
    opener, unit, packing = case
    data = (OPENERS[opener] + unit * (SIZE // len(unit.encode()))).encode()
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        for module in (json_stream, recorded_file, table_import):
            patch.setattr(module, "MAX_LINE", LINE)
        patch.setattr(text_stream, "MAX_UNPACKED", ALL)
        path = files.put(Path(folder, "file"), PACKERS[packing](data))
        tracemalloc.start()
        said = said_of(path)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < MOST
    assert said.isprintable()
    assert len(said) < 700


BOMBS = {
    "a history": files.lines(
        {**files.events()[0], "id": n, "x": "y" * 1000} for n in range(1, 999)
    ),
    "calls": json.dumps([{"Events": files.lookup_events()}] * 200),
    "a table": files.as_csv(files.rows() * 200),
}


@pytest.mark.parametrize("text", BOMBS.values(), ids=BOMBS.keys())
def test_a_bomb_of_records_is_refused_as_soon_as_it_is_more_than_may_be_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setattr(imported_file, "MAX_HELD", 1 << 20)
    said = said_of(files.put(tmp_path / "bomb.gz", gzip.compress(text.encode())))
    assert "one file holds 1 MiB of records at most: divide it" in said
