"""README says what the program does; what can be generated is, and is checked here.

`python -m tests.test_readme` writes the table of keys, the help and the policy anew.
"""

import re
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from sfnwatch.cli import cli
from sfnwatch.config import check, load_config
from sfnwatch.demo.scenarios import SCENARIOS, TOGETHER
from sfnwatch.tui.actions import ACTIONS, bound, entries
from sfnwatch.tui.themes import names

README = Path(__file__).parent.parent / "README.md"
JAPANESE = README.with_name("README.ja.md")
_TABLE = re.compile(r"(?s)(<!-- keys -->\n).*?(<!-- /keys -->)")
_HELP = re.compile(r"(?s)(<!-- help -->\n).*?(<!-- /help -->)")
_POLICY = re.compile(r"(?s)(<!-- policy -->\n).*?(<!-- /policy -->)")
_WIDTH = 88


def key_table() -> str:
    """Make the table of keys, a section for each group, with the actions' ids."""
    ids = {(action.group, action.words): action.id for action in ACTIONS[::-1]}
    lines = ["| key | | id |", "|---|---|---|"]
    told = list(entries())
    for place, (group, keys, words) in enumerate(told):
        if place == 0 or told[place - 1][0] is not group:
            lines.append(f"| | **{group}** | |")
        names = " ".join(f"`{key}`" for key in keys.replace(" … ", "…").split(" "))
        name = ids[group, words].replace("digit.0", "digit.0 … digit.9")
        lines.append(f"| {names} | {words} | {name} |")
    return "\n".join(lines) + "\n"


def help_texts() -> str:
    """Give the help of the program, and of the command whose name need not be typed."""
    runner = CliRunner()
    told = (
        runner.invoke(
            cli, [*words, "--help"], prog_name="sfnwatch", terminal_width=_WIDTH
        )
        for words in ((), ("watch",))
    )
    return "".join(f"```text\n{each.output.rstrip()}\n```\n" for each in told)


def policy_text() -> str:
    told = CliRunner().invoke(cli, ["iam-policy"])
    return f"```json\n{told.output.rstrip()}\n```\n"


@pytest.mark.parametrize("file", [README, JAPANESE], ids=lambda file: file.name)
def test_the_policy_is_the_programs(file: Path) -> None:
    found = _POLICY.search(file.read_text())
    assert found is not None
    assert found[0] == f"{found[1]}{policy_text()}{found[2]}"


@pytest.mark.parametrize("file", [README, JAPANESE], ids=lambda file: file.name)
def test_the_help_is_the_programs(file: Path) -> None:
    found = _HELP.search(file.read_text())
    assert found is not None
    assert found[0] == f"{found[1]}{help_texts()}{found[2]}"


def test_the_table_of_keys_is_the_registrys() -> None:
    found = _TABLE.search(README.read_text())
    assert found is not None
    assert found[0] == f"{found[1]}{key_table()}{found[2]}"


def test_every_action_is_in_the_table() -> None:
    told = {words for _, _, words in entries()}
    assert {action.words for action in ACTIONS} <= told


def test_every_command_and_every_scenario_is_told_of() -> None:
    text = README.read_text()
    assert isinstance(cli, click.Group)
    for name in cli.commands:
        assert name in text
    for name in (*TOGETHER, *SCENARIOS):
        assert f"`{name}`" in text or f" {name}" in text


def test_the_configuration_in_readme_is_one_that_is_read(tmp_path: Path) -> None:
    found = re.search(r"(?s)```toml\n(.*?)```", README.read_text())
    assert found is not None
    file = tmp_path / "config.toml"
    file.write_text(found[1])
    config = load_config(file, {})
    check(config, themes=names(), actions=bound())
    assert config.theme == "nord"


def written(text: str) -> str:
    """Put into a README what is generated of it."""
    made = {_TABLE: key_table(), _HELP: help_texts(), _POLICY: policy_text()}
    for pattern, told in made.items():
        text = pattern.sub("\\1" + told.replace("\\", r"\\") + "\\2", text)
    return text


if __name__ == "__main__":
    for file in (README, JAPANESE):
        file.write_text(written(file.read_text()))
