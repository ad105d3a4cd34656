"""Bytes off the disk."""

import gzip
from pathlib import Path

import pytest
import zstandard

from sfnwatch.errors import BadFileError
from sfnwatch.recording import loading
from sfnwatch.recording.loading import load, text_of_file

TEXT = "".join(f'{{"n": {n}, "ü": "{n * 7919}"}}\n' for n in range(20_000)).encode()


def _file(folder: Path, content: bytes, name: str = "a.json") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def zstd(content: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(content)


@pytest.mark.parametrize(
    "packed",
    [
        TEXT,
        gzip.compress(TEXT),
        gzip.compress(TEXT[:500]) + gzip.compress(TEXT[500:]),
        zstd(TEXT),
        zstd(TEXT[:50_000]) + zstd(TEXT[50_000:]),
        b"\xef\xbb\xbf" + TEXT,
        gzip.compress(b"\xef\xbb\xbf" + TEXT),
        TEXT.decode().encode("utf-16"),
    ],
    ids=["plain", "gzip", "gzips", "zstd", "zstds", "BOM", "BOM-gzip", "PowerShell"],
)
def test_files_are_unpacked_by_what_they_are_not_by_their_names(
    tmp_path: Path, packed: bytes
) -> None:
    loaded = load(_file(tmp_path, packed, "a.txt"))
    assert loaded.content == TEXT
    assert loaded.cut == ""
    assert text_of_file(loaded) == TEXT.decode()


@pytest.mark.parametrize("pack", [gzip.compress, zstd])
def test_a_stream_that_is_cut_short_gives_what_it_has(
    tmp_path: Path, pack: object
) -> None:
    packed = pack(TEXT)  # type: ignore[operator]
    kept = 0
    for end in range(len(packed) // 2, len(packed), 1997):
        loaded = load(_file(tmp_path, packed[:end]))
        assert "stream is cut short" in loaded.cut
        assert TEXT.startswith(loaded.content)
        kept = max(kept, len(loaded.content))
    assert kept > 0


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "is empty"),
        (b" \r\n\n", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (gzip.compress(b""), "is empty"),
        (gzip.compress(TEXT)[:12], "cut short before its first line"),
        (gzip.compress(TEXT) + b"junk", "damaged"),
        (gzip.compress(TEXT)[:-8] + b"12345678", "damaged"),
        (zstd(TEXT) + b"junk", "damaged"),
        (b"\x1f\x8bnothing of the kind", "damaged"),
        (b"\x28\xb5\x2f\xfd" + b"\xff" * 40, "damaged"),
        (b"\xff\xfe\x00\xd8", "damaged"),
    ],
    # Not the bytes: gzip writes the time into them, and workers differ in that.
    ids=range(11),
)
def test_a_file_that_holds_no_text_is_named_in_one_line(
    tmp_path: Path, content: bytes, what: str
) -> None:
    path = _file(tmp_path, content)
    with pytest.raises(BadFileError, match=what) as caught:
        load(path)
    assert caught.value.message.startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(BadFileError, match="is a directory"):
        load(tmp_path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadFileError, match=r"none\.jsonl: can't be read: No such file"):
        load(tmp_path / "none.jsonl")


def test_a_name_that_no_file_can_have_is_named() -> None:
    with pytest.raises(BadFileError, match="can't be read: embedded null byte"):
        load(Path("a\0b"))


def test_a_file_of_somebody_else_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    path = _file(tmp_path, TEXT)
    # Tests may run as root, whom no mode keeps out.
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(BadFileError, match="can't be read: Permission denied"):
        load(path)


def test_bytes_that_are_not_utf8_are_named_with_their_line(tmp_path: Path) -> None:
    loaded = load(_file(tmp_path, b'{"a":\n"\xe9"}'))
    with pytest.raises(BadFileError, match=r"a\.json:2: not UTF-8 text: byte 0xe9"):
        text_of_file(loaded)


@pytest.mark.parametrize("pack", [gzip.compress, zstd])
def test_a_bomb_is_not_unpacked_to_its_end(
    tmp_path: Path, pack: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "MAX_UNPACKED", 1 << 20)
    bomb = pack(bytes(1 << 22))  # type: ignore[operator]
    with pytest.raises(BadFileError, match="unpacks to more than 1 MiB"):
        load(_file(tmp_path, bomb))


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="needs an endless device")
def test_what_does_not_end_is_not_read_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(loading, "MAX_UNPACKED", 1 << 20)
    with pytest.raises(BadFileError, match="/dev/zero: can't be read: it is more than"):
        load(Path("/dev/zero"))


def test_control_characters_of_a_name_do_not_reach_the_message(tmp_path: Path) -> None:
    with pytest.raises(BadFileError) as caught:
        load(_file(tmp_path, b"", "a\x1b[31m\nb.json"))
    assert caught.value.message.isprintable()
