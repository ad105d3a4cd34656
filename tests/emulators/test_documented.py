"""What docs/emulators.md says to do is done, command by command."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from tests.cli.conftest import program
from tests.cli.programs import Program
from tests.emulators.emulator import KEYS, Emulator, serving

__all__ = ["program"]
PAGE = Path(__file__).parents[2] / "docs" / "emulators.md"
DOCUMENTED = "http://127.0.0.1:5000"
SECTION = PAGE.read_text().partition("## Try it on moto")[2].partition("\n## ")[0]
COMMANDS = [
    line
    for block in re.findall(r"```sh\n(.*?)```", SECTION, re.DOTALL)
    for line in block.splitlines()
]


@pytest.fixture
def moto() -> Iterator[Emulator]:
    with serving("moto") as served:
        yield served


def words_of(begin: str, emulator: Emulator) -> list[str]:
    """Return the words of the command that begins so, for the emulator at hand."""
    (command,) = [line for line in COMMANDS if line.startswith(begin)]
    return shlex.split(command.replace(DOCUMENTED, emulator.url))


def options_of(words: list[str]) -> dict[str, str]:
    """Return the options of the AWS CLI as boto3 names them."""
    options = {}
    for name, value in zip(words[::2], words[1::2], strict=True):
        head, *rest = name.removeprefix("--").split("-")
        options[head + "".join(map(str.capitalize, rest))] = value
    assert options.pop("endpointUrl")
    return options


def run_aws(begin: str, emulator: Emulator) -> Any:
    """Do with boto3 what a command of the AWS CLI does."""
    _, service, operation, *words = words_of(begin, emulator)
    assert service == "stepfunctions"
    call = getattr(emulator.client, operation.replace("-", "_"))
    return call(**options_of(words))


def configure(emulator: Emulator) -> None:
    """Send the request that the curl command sends."""
    words = words_of("curl ", emulator)
    assert words[:3] == ["curl", "-X", "POST"]
    url, option, body = words[3:]
    assert option == "-d"
    with urlopen(Request(url, body.encode()), timeout=10) as answer:  # noqa: S310
        assert json.load(answer)


def test_the_commands_for_moto_lead_to_a_watched_execution(
    moto: Emulator, program: Program, no_aws: None
) -> None:
    assert "moto_server -H 127.0.0.1 -p 5000" in COMMANDS
    configure(moto)
    run_aws("aws stepfunctions create-state-machine", moto)
    run_aws("aws stepfunctions start-execution", moto)
    exported = dict(word.split("=") for word in words_of("export ", moto)[1:])
    _, *words = words_of("sfnwatch ", moto)
    ended = program(*words, "--plain", "--drain", "0", "--no-record", **exported)
    assert ended.code == 0, ended.err
    assert "Rest  exited  ✔ succeeded  3" in ended.out
    assert f"What answered is {moto.host}, not AWS" in ended.out


def test_without_the_configuration_the_sample_history_is_recognized(
    moto: Emulator, program: Program, no_aws: None
) -> None:
    run_aws("aws stepfunctions create-state-machine", moto)
    arn = run_aws("aws stepfunctions start-execution", moto)["executionArn"]
    words = (arn, "--endpoint-url", moto.url, "--plain", "--drain", "0", "--no-record")
    assert "the sample that moto returns" in program(*words, **KEYS).out


def test_moto_fails_at_jsonata_as_the_page_says(
    moto: Emulator, program: Program, no_aws: None
) -> None:
    configure(moto)
    state = {
        "Type": "Pass",
        "QueryLanguage": "JSONata",
        "Output": "{% 1 + 1 %}",
        "End": True,
    }
    arn = moto.start("expressions", {"Add": state})
    words = (arn, "--endpoint-url", moto.url, "--plain", "--drain", "0", "--no-record")
    assert program(*words, **KEYS).code == 10
