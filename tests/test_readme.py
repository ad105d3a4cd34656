"""README says what the program does, in both languages the same things in one order.

What can be generated is: `python -m tests.test_readme` writes the help, the policy and
the table of keys anew.
"""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from sfnwatch import library
from sfnwatch.cli.main import cli
from sfnwatch.config.config import load_config
from sfnwatch.demo.scenarios import SCENARIOS, TOGETHER
from sfnwatch.errors import Outcome, SfnwatchError
from sfnwatch.export import TARGETS
from sfnwatch.tui.actions import ACTIONS, check_user_keys, entries
from sfnwatch.tui.themes import check_theme
from tests.cli.programs import COMMANDS
from tests.sources.test_targets import SOURCES

ROOT = Path(__file__).parents[1]
ENGLISH, JAPANESE = (ROOT / name for name in ("README.md", "README.ja.md"))
GLOSSARY = ROOT / "GLOSSARY.md"
both = pytest.mark.parametrize(
    "text", [ENGLISH.read_text(), JAPANESE.read_text()], ids=["English", "Japanese"]
)
_WIDTH = 88


# -- what is generated -----------------------------------------------------------------


def said(*words: str) -> str:
    """Run the program; give what it printed."""
    runner = CliRunner()
    told = runner.invoke(cli, words, prog_name="sfnwatch", terminal_width=_WIDTH)
    return told.output.rstrip()


def key_table() -> str:
    """Make the table of keys, a section for each group, with the actions' IDs."""
    ids = {(action.group, action.words): action.id for action in reversed(ACTIONS)}
    lines, before = ["| key | | ID |", "|---|---|---|"], None
    for group, keys, words in entries():
        if group is not before:
            lines.append(f"| | **{group}** | |")
        named = " ".join(f"`{key}`" for key in keys.replace(" … ", "…").split())
        name = ids[group, words].replace("digit.0", "digit.0 … digit.9")
        lines.append(f"| {named} | {words} | {name} |")
        before = group
    return "\n".join(lines)


def generated() -> dict[str, str]:
    """Give what stands between two marks of a README, by the marks' name."""
    helps = said("--help"), said("watch", "--help")
    return {
        "help": "\n".join(f"```text\n{each}\n```" for each in helps),
        "policy": f"```json\n{said('iam-policy')}\n```",
        "keys": key_table(),
    }


def written(text: str) -> str:
    """Put into a README what is generated of it."""
    for name, made in generated().items():
        head, begin, rest = text.partition(f"<!-- {name} -->\n")
        _, end, tail = rest.partition(f"<!-- /{name} -->")
        text = f"{head}{begin}{made}\n{end}{tail}"
    return text


@both
def test_the_help_the_policy_and_the_keys_are_the_program_s(text: str) -> None:
    assert text == written(text), "python -m tests.test_readme writes it anew"


@both
def test_every_action_is_in_the_table(text: str) -> None:
    assert "<!-- keys -->" in text
    assert {action.words for action in ACTIONS} <= {words for *_, words in entries()}


# -- what it says ----------------------------------------------------------------------


@both
def test_every_command_scenario_and_format_is_told_of(text: str) -> None:
    for command in COMMANDS:
        assert f"sfnwatch {command[0]}" in text or command == ("watch",)
    for name in (*TOGETHER, *SCENARIOS):
        assert f" {name}" in text
        assert f"  {name} " in said("demo", "--help")
    for name in TARGETS:
        is_told = f"`{name}`" in exports_of(text)
        assert is_told, f"no row of the table of `sfnwatch export`: {name}"


@both
def test_every_source_of_calls_is_told_of(text: str) -> None:
    for param in COMMANDS["watch",].params:
        if param.name in SOURCES:
            is_told = any(f"| `{option}" in text for option in param.opts)
            assert is_told, f"no row of the table of sources: {param.opts}"


def exports_of(text: str) -> str:
    """Give the table of the formats that a trace is exported to."""
    return text.partition("\n| `--to` |")[2].partition("\n\n")[0]


@both
def test_every_exit_code_is_told_of(text: str) -> None:
    leaves = SfnwatchError.__subclasses__()
    codes = {value for name, value in vars(Outcome).items() if name.isupper()}
    codes |= {SfnwatchError.exit_code, *(leaf.exit_code for leaf in leaves)}
    told = re.split(r"The exit code is the outcome|終了コードは", text)[1]
    found = re.findall(r"(?<!\w)\d+(?!\w)", told.partition("\n\n")[0])
    assert sorted(map(int, found)) == sorted(codes)


@both
def test_the_configuration_is_one_that_is_read(text: str, tmp_path: Path) -> None:
    (table,) = blocks(text, "toml")
    file = tmp_path / "config.toml"
    file.write_text(table)
    config = load_config(file, {})
    check_theme("nord", config.themes, "")
    check_user_keys(config.keys)
    assert config.options == {"theme": "nord", "time": "local", "notify": "desktop"}


@both
def test_the_example_in_python_is_the_library_s(text: str) -> None:
    assert blocks(text, "python") == blocks(library.__doc__ or "", "python")


@pytest.mark.parametrize("file", [ENGLISH, JAPANESE, GLOSSARY, ROOT / "CHANGELOG.md"])
def test_what_it_points_to_is_there(file: Path) -> None:
    text = file.read_text()
    for target in re.findall(r"\]\(([^)#]+)", text):
        is_there = (file.parent / target).is_file()
        assert target.startswith("https://") or is_there, target


# -- both languages --------------------------------------------------------------------


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"(?s)```{language}\n(.*?)```", text)


def uncommented(text: str) -> list[str]:
    """Give lines of code without what they say to people."""
    lines = (re.sub(r"\s*# .*", "", line).rstrip() for line in text.splitlines())
    return [line for line in lines if line]


def sections(text: str) -> list[str]:
    return re.split(r"(?m)^(?:## |<summary>)", text)


def test_both_have_the_same_pictures_and_blocks_in_the_same_order() -> None:
    texts = ENGLISH.read_text(), JAPANESE.read_text()
    one, other = (re.findall(r"!\[.*?\]\((.*?)\)", text) for text in texts)
    assert one == other
    for language in ("sh", "toml", "text", "json"):
        one, other = (blocks(text, language) for text in texts)
        assert list(map(uncommented, one)) == list(map(uncommented, other))


def test_both_tell_of_the_same_things_section_by_section() -> None:
    """What is written as code has one name in both; figures are in digits in both."""
    english, japanese = (sections(f.read_text()) for f in (ENGLISH, JAPANESE))
    assert len(english) == len(japanese)
    for one, other in zip(english, japanese, strict=True):
        assert code_of(one) == code_of(other)


def code_of(section: str) -> set[str]:
    prose = re.sub(r"(?s)```.*?```", "", section)
    return {re.sub(r"\s+", " ", each) for each in re.findall(r"`([^`]+)`", prose)}


if __name__ == "__main__":
    for readme in (ENGLISH, JAPANESE):
        readme.write_text(written(readme.read_text()))


@both
def test_lake_is_said_to_take_no_new_customers(text: str) -> None:
    (row,) = (line for line in text.splitlines() if line.startswith("| `--lake "))
    assert "31" in row
    assert "2026" in row
    for instead in ("`--archive`", "`--log-group`"):
        assert instead in row
