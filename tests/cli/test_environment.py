"""What is done without a home, and where a locale has no more than letters."""

import codecs
import pwd
import string
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.view.signs import encode_plainly, to_ascii
from tests import examples
from tests.cli.conftest import program
from tests.cli.programs import Program, golden

__all__ = ["program"]
FAILED = golden("demo-failure")
UNICODE: tuple[dict[str, str], ...] = (
    {},
    {"LANG": "ja_JP.UTF-8"},
    {"LANG": "en_US"},
    {"LANG": "C.UTF-8"},
    {"LANG": "C", "LC_ALL": "en_US.utf8"},
    {"LANG": "", "LC_CTYPE": "UTF-8"},
    {"LANG": "de_DE.UTF-8@euro"},
)
ASCII: tuple[dict[str, str], ...] = (
    {"LANG": "C"},
    {"LANG": "POSIX"},
    {"LC_ALL": "C", "LANG": "en_US.UTF-8"},
    {"LC_CTYPE": "C"},
    {"LANG": "de_DE.ISO-8859-1@euro"},
    {"LANG": "ja_JP.eucJP"},
    # What Python makes of LANG=C when it starts.
    {"LANG": "C", "LC_CTYPE": "C.UTF-8"},
)


@pytest.mark.parametrize("locale", UNICODE)
def test_signs_are_shown_where_there_are_some(
    program: Program, locale: dict[str, str]
) -> None:
    ended = program("replay", FAILED, "--plain", "--no-record", **locale)
    assert "✘ failed" in ended.out


@pytest.mark.parametrize("locale", ASCII)
def test_a_locale_without_signs_gets_ascii(
    program: Program, locale: dict[str, str]
) -> None:
    for line in (("replay", FAILED, "--plain", "--no-record"), ("explain", FAILED)):
        ended = program(*line, **locale)
        assert ended.out.isascii()
        assert ended.err.isascii()
    assert not program("export", FAILED, "--to", "text", **locale).out.isascii(), (
        "an export is data"
    )


@pytest.mark.parametrize(
    "line",
    [
        "replay {} --plain --no-record",
        "replay {} --plain --record here.jsonl",
        "explain {}",
        "recordings",
        "config",
        "redact {}",
    ],
)
def test_who_has_no_home_is_missing_a_folder_and_no_more(
    program: Program, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, line: str
) -> None:
    without_home(monkeypatch)
    ended = program(*line.format(FAILED).split())
    assert ended.code in {0, 10}
    assert "Traceback" not in ended.err
    assert not (tmp_path / "~").exists()


def test_without_a_home_a_watch_goes_on_without_a_recording(
    program: Program, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    without_home(monkeypatch)
    ended = program("demo", "sync", "--plain", "--speed", "2000", "--drain", "1s")
    assert ended.code == 0
    assert "not recording: There is no home directory to record in." in ended.err
    assert list(tmp_path.iterdir()) == []


def without_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the environment's word for a home away, and the system's."""

    def unknown(*_: object) -> None:
        raise KeyError("uid not found")

    for name in ("HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unknown)


codecs.register_error("plainly", encode_plainly)


@examples(200)
@given(st.text(), st.sampled_from(["ascii", "latin-1", "cp1252", "cp437", "shift_jis"]))
def test_any_text_can_be_shown_in_any_encoding(text: str, encoding: str) -> None:
    shown = text.encode(encoding, "plainly").decode(encoding)
    assert len(shown) >= len(text)
    assert {c for c in text if c in string.printable} <= set(shown)


@given(st.text())
def test_letters_of_any_script_stay(text: str) -> None:
    letters = [c for c in text if unicodedata.category(c)[0] in "LMN"]
    assert [c for c in to_ascii(text) if c in letters] == letters
