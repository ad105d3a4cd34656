"""What a viewer did to a recording is kept, and never in the way."""

from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.recording.views import SavedView, load_view, save_view, view_path
from tests.builders import ARN, START

TEXTS = st.text(st.characters(codec="utf-8"), max_size=20)
LISTS = st.lists(TEXTS, max_size=4).map(tuple)
VIEWS = st.builds(
    SavedView,
    filter=TEXTS,
    search=TEXTS,
    folded=LISTS,
    opened=LISTS,
    hidden_services=LISTS,
    squeeze=st.booleans(),
    aligned=st.booleans(),
    reading=TEXTS,
    view=TEXTS,
    position=st.none() | st.floats(allow_nan=False, allow_infinity=False),
)
CHANGED = SavedView(filter="~e", folded=("a", "b"), squeeze=False, position=12.5)


@given(VIEWS)
def test_a_view_is_read_as_it_was_saved(
    tmp_path_factory: pytest.TempPathFactory, view: SavedView
) -> None:
    path = tmp_path_factory.mktemp("views") / "view.json"
    assert save_view(path, view) == ""
    assert load_view(path) == view


@given(st.binary(max_size=100) | st.text(max_size=100).map(str.encode))
def test_any_file_is_a_view_or_the_default(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    path = tmp_path_factory.mktemp("views") / "view.json"
    path.write_bytes(data)
    assert load_view(path) == SavedView()


@given(st.data())
def test_a_torn_view_is_the_default(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("views") / "view.json"
    save_view(path, CHANGED)
    whole = path.read_bytes()
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
    assert load_view(path) == SavedView()


@pytest.mark.parametrize(
    "text",
    [
        '{"sfnwatch_view": 2, "view": {"filter": "~e"}}',
        '{"sfnwatch_view": 1, "view": {"filter": 3}}',
        '{"sfnwatch_view": 1, "view": {"position": "x"}}',
        '{"view": {"filter": "~e"}}',
        '{"sfnwatch": 1, "created": 0}',
        "[" * 100_000,
    ],
)
def test_a_foreign_or_newer_file_is_the_default(tmp_path: Path, text: str) -> None:
    path = tmp_path / "view.json"
    path.write_text(text)
    assert load_view(path) == SavedView()


def test_what_a_later_version_adds_is_ignored(tmp_path: Path) -> None:
    path = tmp_path / "view.json"
    path.write_text('{"sfnwatch_view": 1, "view": {"filter": "~e", "hue": 3}}')
    assert load_view(path) == SavedView(filter="~e")


def test_a_view_that_was_never_saved_is_the_default(tmp_path: Path) -> None:
    assert load_view(tmp_path / "none" / "view.json") == SavedView()
    assert load_view(tmp_path) == SavedView()


def test_only_the_user_may_read_a_view(tmp_path: Path) -> None:
    path = tmp_path / "state" / "views" / "view.json"
    save_view(path, CHANGED)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_view_replaces_the_one_before_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "view.json"
    save_view(path, SavedView(filter="x" * 1000))
    save_view(path, CHANGED)
    assert load_view(path) == CHANGED
    assert [file.name for file in tmp_path.iterdir()] == ["view.json"]


def test_a_view_that_can_not_be_saved_is_told_and_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "view.json"
    save_view(path, CHANGED)

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", refuse)
    assert save_view(path, SavedView()) == "No space left on device"
    monkeypatch.undo()
    assert load_view(path) == CHANGED
    assert [file.name for file in tmp_path.iterdir()] == ["view.json"]


@pytest.mark.parametrize(
    "view", [SavedView(filter="\ud800"), SavedView(filter="x" * (1 << 20))]
)
def test_a_view_that_is_no_text_or_far_too_large_is_not_kept(
    tmp_path: Path, view: SavedView
) -> None:
    assert save_view(tmp_path / "view.json", view)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_can_not_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert save_view(tmp_path / "file" / "views" / "view.json", CHANGED)
    assert (tmp_path / "file").read_bytes() == b""


def test_a_view_is_found_by_what_was_recorded(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    path = view_path([ARN], START)
    assert path.parent == tmp_path / "sfnwatch" / "views"
    local = datetime.fromisoformat("2023-11-15T09:28:24+09:00")
    assert view_path([ARN], local.replace(microsecond=START.microsecond)) == path
    assert view_path([ARN, "b"], START) == view_path(["b", ARN], START)
    others = {
        view_path([ARN, "b"], START),
        view_path([f"{ARN}x"], START),
        view_path([ARN], START + timedelta(seconds=1)),
        view_path([], START),
    }
    assert len(others | {path}) == 5


def test_a_view_is_plain_json(tmp_path: Path) -> None:
    path = tmp_path / "view.json"
    save_view(path, CHANGED)
    stored = msgspec.json.decode(path.read_bytes())
    assert stored["sfnwatch_view"] == 1
    assert stored["view"]["filter"] == "~e"
