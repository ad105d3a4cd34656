"""The wheel, alone in an empty environment: what a user gets who installs it."""

import fcntl
import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Collection
from email import message_from_bytes
from html.parser import HTMLParser
from importlib.metadata import Distribution, version
from pathlib import Path

import pytest
from msgspec import Struct
from packaging.requirements import Requirement
from packaging.version import Version
from readme_renderer.markdown import render

from sfnwatch import __version__
from tests.packaging.lowest import constraints

ROOT = Path(__file__).parents[2]
ARN = "arn:aws:states:eu-west-1:123456789012:execution:m:x"
pytestmark = pytest.mark.timeout(900)


def run(
    *words: str | Path, cwd: str | Path = "/", **env: str
) -> subprocess.CompletedProcess[str]:
    """Run a program as a user does: with no path of ours, and from elsewhere."""
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    return subprocess.run(
        words,
        check=False,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        text=True,
        env={**kept, "PIP_DISABLE_PIP_VERSION_CHECK": "1", **env},
        cwd=cwd,
    )


class Built(Struct, frozen=True):
    """What was built, and the Python in whose environment the wheel is installed."""

    wheel: Path
    sdist: Path
    python: Path

    def program(self, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
        return run(self.python.with_name("sfnwatch"), *words, **env)


def needed(distribution: Distribution, extras: Collection[str] = ()) -> set[str]:
    """Name the distributions that one needs, and those that these need."""
    found = set[str]()
    for each in map(Requirement, distribution.requires or ()):
        asked = [{"extra": extra} for extra in ("", *extras)]
        if each.marker is None or any(map(each.marker.evaluate, asked)):
            own = Distribution.from_name(each.name)
            found |= {each.name, *needed(own, each.extras)}
    return found


def build(folder: Path) -> None:
    """Build the wheel, and install it where there is what it needs, and nothing else.

    That is linked from our own environment: to install it anew takes half a minute.
    """
    done = run(
        *(sys.executable, "-m", "hatchling", "build", "-d", folder / "dist"), cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    (wheel,) = (folder / "dist").glob("*.whl")
    made = run(sys.executable, "-m", "venv", "--without-pip", folder / "empty")
    assert made.returncode == 0, made.stderr
    python = folder / "empty" / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--python", python, "install", "-q")
    done = run(*pip, "--no-deps", "--no-index", wheel)
    assert done.returncode == 0, done.stderr
    (packages,) = (folder / "empty" / "lib").glob("python*/site-packages")
    (own,) = Distribution.discover(path=[str(packages)])
    for each in map(Distribution.from_name, needed(own)):
        for name in {file.parts[0] for file in each.files or ()} - {".."}:
            place = packages / name
            if not place.exists():
                place.symlink_to(Path(str(each.locate_file(name))))


@pytest.fixture(name="built", scope="session")
def _built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Build once, though several workers may run tests of these."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder = shared / "packaging"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "empty").exists():
            build(folder)
    (wheel,), (sdist,) = (
        (folder / "dist").glob(f"*.{end}") for end in ("whl", "tar.gz")
    )
    return Built(wheel, sdist, folder / "empty" / "bin" / "python")


def test_the_demo_runs_with_nothing_else_installed(
    built: Built, tmp_path: Path
) -> None:
    words = ("demo", "sync", "--plain", "--speed", "200")
    ended = built.program(*words, XDG_STATE_HOME=str(tmp_path))
    assert ended.returncode == 0, ended.stderr
    assert "✔ Execution succeeded" in ended.stdout
    assert ended.stdout.count("= task ARN") == 5
    assert "recorded to " in ended.stderr
    module = run(built.python, "-m", "sfnwatch", "--version")
    assert module.stdout == f"sfnwatch {__version__}\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("completion bash", "_SFNWATCH_COMPLETE"),
        ("setup-queue", "AWS::SQS::Queue"),
        ("lab", "AWS::StepFunctions::StateMachine"),
        (
            "athena-ddl trail --account 123456789012 --region eu-west-1",
            "CREATE EXTERNAL",
        ),
        ("schema lines", "A line of sfnwatch --json"),
    ],
)
def test_what_is_printed_needs_no_source_tree(
    built: Built, words: str, said: str
) -> None:
    ended = built.program(*words.split())
    assert (ended.returncode, ended.stderr) == (0, "")
    assert said in ended.stdout


@pytest.mark.parametrize(
    ("words", "extra"),
    [(("watch", ARN, "--archive", "/", "--sql"), "archive"), (("web", "demo"), "web")],
)
def test_an_extra_that_is_missing_is_named(
    built: Built, words: tuple[str, ...], extra: str
) -> None:
    ended = built.program(*words)
    assert (ended.returncode, ended.stdout) == (2, "")
    # What is installed is enough: no registry need have it.
    assert f"{built.python} 'sfnwatch[{extra}]'" in ended.stderr


def test_all_of_the_package_is_in_it_and_nothing_else(built: Built) -> None:
    with zipfile.ZipFile(built.wheel) as wheel:
        names = {name for name in wheel.namelist() if ".dist-info/" not in name}
        (place,) = (name for name in wheel.namelist() if name.endswith("/METADATA"))
        told = message_from_bytes(wheel.read(place))
    files = (path for path in (ROOT / "sfnwatch").rglob("*") if path.is_file())
    there = {str(each.relative_to(ROOT)) for each in files}
    assert names == {name for name in there if "__pycache__" not in name}
    assert {"sfnwatch/py.typed", "sfnwatch/tui/sfnwatch.tcss"} <= names
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert (told["Version"], "version" in project) == (__version__, False)
    extras = set(project["optional-dependencies"])
    assert set(told.get_all("Provides-Extra") or ()) == extras


def test_the_sdist_has_the_tests_and_what_readme_shows(built: Built) -> None:
    with tarfile.open(built.sdist) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    shown = set(re.findall(r"\]\(([A-Za-z/.-]+)\)", (ROOT / "README.md").read_text()))
    assert len(shown) > 5
    assert {"LICENSE", "CHANGELOG.md", "tests/conftest.py", *shown} <= names
    assert not [name for name in names if "__pycache__" in name]


class Links(HTMLParser):
    """Collects where the links and pictures of a page lead."""

    def __init__(self) -> None:
        super().__init__()
        self.pictures = list[str]()
        self.links = list[str]()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "img":
            self.pictures.append(values.get("src") or "")
        elif tag == "a":
            self.links.append(values.get("href") or "")


def test_the_page_of_a_package_index_leads_to_files_that_are_there(
    built: Built,
) -> None:
    with zipfile.ZipFile(built.wheel) as wheel:
        (place,) = (name for name in wheel.namelist() if name.endswith("/METADATA"))
        metadata = message_from_bytes(wheel.read(place))
    assert metadata["Description-Content-Type"] == "text/markdown"
    description = metadata.get_payload()
    assert isinstance(description, str)
    page = render(description.encode("utf-8", "surrogateescape").decode())
    assert page is not None
    found = Links()
    found.feed(page)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    source = project["urls"]["Source"]
    assert len(found.pictures) > 5
    for picture in found.pictures:
        path = picture.removeprefix(f"{source}/raw/HEAD/")
        assert path != picture, "a relative link shows nothing on another site"
        assert (ROOT / path).is_file(), path
    ours = [link for link in found.links if link.startswith(source)]
    assert {link.removeprefix(f"{source}/blob/HEAD/") for link in ours} >= {
        "README.ja.md",
        "GLOSSARY.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
    }
    for link in found.links:
        assert re.match(r"https?:|#", link), link
    for link in ours:
        assert (ROOT / link.removeprefix(f"{source}/blob/HEAD/")).exists(), link


def test_every_dependency_has_a_lowest_version_that_can_be_installed() -> None:
    found = dict(each.split("==") for each in constraints())
    assert {"textual", "aiobotocore", "duckdb", "textual-serve"} <= found.keys()
    for name, lowest in found.items():
        assert Version(lowest) <= Version(version(name)), name
