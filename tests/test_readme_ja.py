"""The Japanese README tells of the same things as the English one."""

import re
from pathlib import Path

from sfnwatch import library
from sfnwatch.cli import cli
from sfnwatch.config import check, load_config
from sfnwatch.export.targets import TARGETS
from sfnwatch.tui.actions import bound
from sfnwatch.tui.themes import names
from tests.program.test_usage import CODES

ROOT = Path(__file__).parent.parent
ENGLISH = (ROOT / "README.md").read_text()
JAPANESE = (ROOT / "README.ja.md").read_text()


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"(?s)```{language}\n(.*?)```", text)


def test_it_has_the_same_pictures_in_the_same_order() -> None:
    pictures = re.compile(r"!\[.*?\]\((.*?)\)")
    assert pictures.findall(JAPANESE) == pictures.findall(ENGLISH)
    for picture in pictures.findall(JAPANESE):
        assert (ROOT / picture).is_file()


def test_it_has_as_many_sections() -> None:
    heading = re.compile(r"(?m)^## ")
    assert len(heading.findall(JAPANESE)) == len(heading.findall(ENGLISH))


def test_every_command_is_told_of() -> None:
    for name in cli.commands:
        assert name in JAPANESE
    for name in TARGETS:
        assert f"`{name}`" in JAPANESE


def test_every_exit_code_is_told_of() -> None:
    _, _, told = JAPANESE.partition("終了コードは")
    paragraph = told.partition("\n\n")[0]
    assert set(re.findall(r"\d+", paragraph)) == set(CODES)


def test_its_configuration_is_one_that_is_read(tmp_path: Path) -> None:
    (written,) = blocks(JAPANESE, "toml")
    file = tmp_path / "config.toml"
    file.write_text(written)
    config = load_config(file, {})
    check(config, themes=names(), actions=bound())
    (other,) = blocks(ENGLISH, "toml")
    assert uncommented(written) == uncommented(other)


def uncommented(text: str) -> list[str]:
    """Give lines of TOML without what they say to people."""
    return [re.sub(r"\s*# .*", "", line) for line in text.splitlines()]


def test_its_example_is_the_librarys() -> None:
    assert blocks(JAPANESE, "python") == blocks(library.__doc__ or "", "python")


def test_what_it_points_to_is_there() -> None:
    for target in re.findall(r"\]\(([A-Za-z.]+\.md)", JAPANESE):
        assert (ROOT / target).is_file()
