"""The wheel, alone in an empty environment: what a user gets who installs it."""

import re
import tarfile
import tomllib
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest

from sfnwatch import __version__
from tests.packaging.conftest import ROOT, Built

ARN = "arn:aws:states:eu-west-1:123456789012:execution:m:x"
pytestmark = pytest.mark.timeout(900)


def test_the_demo_runs_headless_with_nothing_else_installed(
    built: Built, tmp_path: Path
) -> None:
    words = ("demo", "sync", "--plain", "--speed", "200")
    ended = built.run(built.program, *words, XDG_STATE_HOME=str(tmp_path))
    assert ended.returncode == 0, ended.stderr
    assert "✔ Execution succeeded" in ended.stdout
    assert ended.stdout.count("= task ARN") == 5
    assert "recorded to " in ended.stderr


def test_it_is_the_same_program_as_a_module(built: Built) -> None:
    ended = built.run(str(built.python), "-m", "sfnwatch", "--version")
    assert ended.stdout == f"sfnwatch {__version__}\n"
    assert built.run(built.program, "--version").stdout == ended.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("completion", "bash"), "_SFNWATCH_COMPLETE"),
        (("man",), ".SH NAME"),
        (("iam-policy",), "states:GetExecutionHistory"),
        (("setup-queue",), "AWS::SQS::Queue"),
        (("lab",), "AWS::StepFunctions::StateMachine"),
        (("schema", "lines"), "A line of sfnwatch --json"),
        (("config", "--path"), "config.toml"),
    ],
)
def test_what_is_printed_needs_no_source_tree(
    built: Built, words: tuple[str, ...], said: str
) -> None:
    ended = built.run(built.program, *words)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert said in ended.stdout


@pytest.mark.parametrize(
    ("words", "extra"),
    [
        (("watch", ARN, "--archive", ".", "--sql"), "archive"),
        (("web", "demo"), "web"),
    ],
)
def test_an_extra_that_is_missing_is_named(
    built: Built, words: tuple[str, ...], extra: str
) -> None:
    ended = built.run(built.program, *words)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert f"pip install 'sfnwatch[{extra}]'" in ended.stderr


def test_the_version_has_one_place(built: Built) -> None:
    with zipfile.ZipFile(built.wheel) as wheel:
        (name,) = (n for n in wheel.namelist() if n.endswith(".dist-info/METADATA"))
        told = message_from_bytes(wheel.read(name))
    assert told["Version"] == __version__
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert "version" not in project
    extras = set(project["optional-dependencies"])
    assert set(told.get_all("Provides-Extra") or ()) == extras


def test_all_of_the_package_is_in_it_and_nothing_else(built: Built) -> None:
    with zipfile.ZipFile(built.wheel) as wheel:
        names = {n for n in wheel.namelist() if ".dist-info/" not in n}
    package = ROOT / "sfnwatch"
    files = {
        str(path.relative_to(ROOT))
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert names == files
    assert "sfnwatch/py.typed" in names


def test_the_sdist_has_the_tests_and_what_readme_shows(built: Built) -> None:
    with tarfile.open(built.sdist) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    assert {"LICENSE", "README.md", "CHANGELOG.md", "tests/conftest.py"} <= names
    shown = re.findall(r"\]\(([A-Za-z/.-]+)\)", (ROOT / "README.md").read_text())
    assert len(shown) > 5
    assert set(shown) <= names
    assert not [name for name in names if "__pycache__" in name]
