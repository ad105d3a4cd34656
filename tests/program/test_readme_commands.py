"""The commands in README, run as they are written there, but for what names things."""

import re
import shlex
import signal
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from sfnwatch.demo.formats import REGION
from sfnwatch.demo.scenarios import PLANS
from tests.cli.programs import KEYS, Program, serving
from tests.program.programs import Processes
from tests.program.terminals import eventually

README = Path(__file__).parents[2] / "README.md"
_BLOCK = re.compile(r"(?s)```sh\n(.*?)```")
_OWN = re.compile(r"(?m)^sfnwatch\b.*$")
_LONG = "arn:aws:states:REGION:ACCOUNT:execution:MACHINE:NAME"
ON_A_TERMINAL = {"sfnwatch", "sfnwatch nightly-report --pick"}
"""Commands that ask what is meant."""
QUIET = {
    "sfnwatch redact FILE… -o SHARED",
    "sfnwatch wait ARN --timeout 1h",
    "sfnwatch lab > lab.json",
}
_UNTIL_STOPPED = "sfnwatch web demo"
HOUR = timedelta(hours=1)


def written() -> list[str]:
    """Give the commands of README's blocks, each once, without their comments."""
    blocks = "\n".join(_BLOCK.findall(README.read_text()))
    lines = (re.sub(r"\s+# .*", "", line) for line in _OWN.findall(blocks))
    return list(dict.fromkeys(lines))


@pytest.fixture(scope="module")
def world(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Processes, dict[str, str]]]:
    """Serve an account in which all has happened; with what a user has for it."""
    program = Processes(tmp_path_factory.mktemp("readme"))
    with serving(tuple(PLANS), speed=10_000) as served:
        begun = served.clock.now()
        eventually(lambda: served.clock.now() - begun > HOUR, "an hour of the account")
        # All is over: at this speed it would soon be days ago.
        served.clock.set_speed(1)
        arns = list(served.executions.values())
        env = {
            **KEYS,
            "AWS_ENDPOINT_URL": served.url,
            "AWS_REGION": REGION,
            "SFNWATCH_DRAIN": "0s",
            "SFNWATCH_SPEED": "10000",
        }
        for arn in arns[:2]:
            assert program(arn, **env).code == 0
        env["ARNS"] = " ".join(arns)
        yield program, env
        program.close()


def named(line: str, program: Processes, arns: list[str]) -> str:
    """Put what there is for the words that stand for anything."""
    one, other = map(str, program.recordings[:2])
    for word, instead in (
        (_LONG, arns[0]),
        (" [--next]", ""),
        ("FILE…", one),
        ("BUCKET", "trail-of-ours"),
        ("ID --region REGION", f"123456789012 --region {REGION}"),
        (" MACHINE --since", " order-pipeline --since"),
        ("SHARED", str(program.state / "shared.sfnwatch.jsonl")),
        (" A B", f" {one} {other}"),
    ):
        line = line.replace(word, instead)
    left = iter(arns)
    return re.sub(r"\bARN\b", lambda _: next(left), line)


@pytest.mark.parametrize(
    "line", [each for each in written() if each not in {*ON_A_TERMINAL, _UNTIL_STOPPED}]
)
def test_it_does_its_work(
    world: tuple[Processes, dict[str, str]], line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    program, env = world
    monkeypatch.chdir(program.state)
    meant = named(line, program, env["ARNS"].split())
    if set(meant) & set("|<>$;"):
        ended = program.shell(meant, **env)
    else:
        # What needs no shell needs no process: to start one takes longer than its work.
        monkeypatch.setenv("XDG_STATE_HOME", str(program.state.parent))
        here = Program(program.state.parent, monkeypatch)
        ended = here(*shlex.split(meant)[1:], **env)
    assert ended.code == 0, ended.err
    assert ended.out or line in QUIET


def test_it_serves_until_it_is_stopped(world: tuple[Processes, dict[str, str]]) -> None:
    assert _UNTIL_STOPPED in written()
    program, env = world
    running = program.start(*_UNTIL_STOPPED.split()[1:], **env)
    running.until("http://127.0.0.1:")
    running.until("serving on this machine alone")
    running.send(signal.SIGTERM)
    assert running.wait().code in {0, -signal.SIGTERM}
