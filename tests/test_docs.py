"""The pages for contributors name files, functions and commands that are there."""

import re
from importlib import import_module
from pathlib import Path

import pytest

import sfnwatch

PACKAGE = Path(sfnwatch.__file__).parent
ROOT = PACKAGE.parent
PAGES = [ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
_TESTS = ROOT / "tests"
_FILE = re.compile(r"`((?:sfnwatch/|tests/)?[a-z_]+/[\w/]+\.(?:py|json|sh|txt))`")
_BARE_FILE = re.compile(r"`(\w+\.py)`")
_ROOM_ROW = re.compile(r"^\| (\w+) \| (.*) \|$", re.MULTILINE)
_LINK = re.compile(r"\]\(([^)#:]+)\)")
_NAMED_IN = re.compile(r"`([a-z_]+/[\w/]+\.py)`: ((?:`[^`]+`(?: \([^)]*\))?(?:, )?)+)")
_MODULE = re.compile(r"python -m (tests(?:\.\w+)+)")
_MADE = {
    "sfnwatch/analysis/waited.py",
    "sfnwatch/export/states.py",
    "sfnwatch/sources/stream.py",
    "sfnwatch/tui/calls_view.py",
    "tests/sources/test_stream.py",
}
"""The files that the examples of docs/adding.md make."""
_MARKED = re.compile(r"\[(?:inferred|observed|documented)")


def ids(page: Path) -> str:
    return page.name


def found(name: str) -> Path:
    """Give the file that a page names from the package or from the root."""
    inside = PACKAGE / name
    return inside if inside.exists() else ROOT / name


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_the_files_that_a_page_names_are_there(page: Path) -> None:
    text = page.read_text("utf-8")
    for name in {*_FILE.findall(text)} - _MADE:
        assert found(name).exists(), f"{page.name} names {name}"
    for target in _LINK.findall(text):
        assert (page.parent / target).exists(), f"{page.name} leads to {target}"


def test_the_files_to_read_first_are_in_their_rooms() -> None:
    """A row names its files without the room's folder."""
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    first_files = {}
    for room, words in _ROOM_ROW.findall(text):
        names = _BARE_FILE.findall(words)
        if names:
            first_files[room] = names
    assert {"model", "view", "tui", "session"} <= first_files.keys()
    for room, names in first_files.items():
        for name in names:
            assert (PACKAGE / room / name).exists(), f"{room} has no {name}"


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_a_file_that_a_page_names_without_a_folder_is_somewhere(page: Path) -> None:
    files = {path.name for folder in (PACKAGE, _TESTS) for path in folder.rglob("*.py")}
    unknown = {*_BARE_FILE.findall(page.read_text("utf-8"))} - files
    assert not unknown, f"{page.name} names {unknown}"


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_the_tests_that_a_page_names_are_there(page: Path) -> None:
    code = "".join(path.read_text("utf-8") for path in _TESTS.rglob("test_*.py"))
    for name in re.findall(r"`(test_[a-z0-9_]+)`", page.read_text("utf-8")):
        assert f"def {name}(" in code, f"{page.name} names {name}"


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_the_commands_that_a_page_names_can_be_run(page: Path) -> None:
    for module in _MODULE.findall(page.read_text("utf-8")):
        path = ROOT.joinpath(*module.split("."))
        is_there = path.with_suffix(".py").exists() or (path / "__main__.py").exists()
        assert is_there, f"{page.name} names {module}"


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_what_a_page_says_is_in_a_file_is_in_it(page: Path) -> None:
    for file, names in _NAMED_IN.findall(page.read_text("utf-8")):
        code = found(file).read_text("utf-8")
        for name in re.findall(r"`([^`]+)`", names):
            for part in re.findall(r"\w+", name):
                assert re.search(rf"\b{part}\b", code), f"{page.name}: {file}: {name}"


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_what_an_example_imports_is_there(page: Path) -> None:
    made = {path.removesuffix(".py").replace("/", ".") for path in _MADE}
    line = re.compile(r"^ *from (sfnwatch[\w.]*) import ([\w, ]+)", re.MULTILINE)
    for module, names in line.findall(page.read_text("utf-8")):
        if module not in made:
            has = vars(import_module(module))
            for name in names.split(","):
                assert name.strip() in has, f"{page.name}: {name} is not in {module}"


def test_each_mark_of_a_fact_about_aws_is_on_its_page() -> None:
    page = (ROOT / "docs" / "aws.md").read_text("utf-8")
    for path in sorted(PACKAGE.rglob("*.py")):
        if _MARKED.search(path.read_text("utf-8")):
            name = str(path.relative_to(PACKAGE))
            assert name in page, f"{name} marks a fact that docs/aws.md has not"
