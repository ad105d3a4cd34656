"""`sfnwatch doctor`, and the file of `--debug`: what is said, and what is not."""

import json
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pytest

from tests.builders import ARN
from tests.cli.conftest import Serve
from tests.cli.programs import COMMANDS, HERE, KEYS, Program
from tests.reliability.servers import answering

DEAD = ("--endpoint-url", "http://127.0.0.1:1", "--region", "eu-west-1")
READS = ("DescribeExecution", "GetExecutionHistory", "ListExecutions", "LookupEvents")


# -- doctor ----------------------------------------------------------------------------


def test_where_a_watch_would_work_every_check_passes(
    program: Program, serve: Serve
) -> None:
    account = serve("sync", speed=20.0)
    ended = program(*account.words("doctor", *HERE))
    assert (ended.code, ended.err) == (0, "")
    assert "✘" not in ended.out
    for name in ("versions", "terminal", "identity", "Region", "clock", *READS):
        assert any(line[2:].startswith(name) for line in ended.lines)
    told = program(*account.words("doctor", account.execution, "--json")).json
    assert told["ok"] is True
    assert {check["name"] for check in told["checks"]} >= {"CloudTrail's lag", *READS}
    assert KEYS["AWS_SECRET_ACCESS_KEY"] not in f"{ended.out}{told}"


def test_where_nothing_answers_each_line_says_so_and_the_code_is_3(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    ended = program("doctor", *DEAD)
    assert (ended.code, ended.err) == (3, "")
    (failed,) = [line for line in ended.lines if line.startswith("✘")]
    assert failed.split()[1] == "identity"
    assert 'Could not connect to the endpoint URL: "http' in failed
    assert "→ Is anything listening at the --endpoint-url" in ended.out
    assert ended.out.count("not tried: what was asked before had no answer.") == 2


def test_what_is_named_is_read_as_everywhere(program: Program) -> None:
    assert "no ARN of Step" in program("doctor", "arn:aws:s3:::x").said(2)
    assert "'b d' is no Region" in program("doctor", "--region", "b d").said(2)


# -- the debug file --------------------------------------------------------------------


def test_every_command_that_talks_to_aws_has_a_debug_file() -> None:
    asking = {path for path, each in COMMANDS.items() if "profile" in names(path)}
    assert asking
    assert all("debug" in names(path) for path in (*asking, ("demo",)))


def names(path: tuple[str, ...]) -> set[str]:
    return {str(param.name) for param in COMMANDS[path].params}


def test_it_has_what_was_asked_answered_and_decided_and_no_secret(
    program: Program, serve: Serve, tmp_path: Path
) -> None:
    """Nor a payload: the input of the execution is in the recording alone."""
    account, file = serve("sync", speed=2000.0), tmp_path / "debug.log"
    secrets = {**KEYS, "AWS_SESSION_TOKEN": "FwoGZXIvYXdzEXAMPLETOKEN"}
    asked = (account.execution, "--plain", "--drain", "1s", "--debug", str(file))
    ended = program(*account.words(*asked), **secrets)
    assert ended.code == 0
    text = file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    begin, *lines = text.splitlines()
    assert begin == "sfnwatch debug 1"
    assert all(line[:2] == "20" and line[23:25] == "Z " for line in lines)
    for told in (
        "begins: sfnwatch ",
        "asks states:GetExecutionHistory in ap-northeast-1, of 127.0.0.1:",
        "answer to cloudtrail:LookupEvents after ",
        ": ok, status 200, request ID ",
        'source {"lane": "history", "state": "live"',
        "received {'definition': 1",
        "ends",
    ):
        assert told in text
    for secret in (*secrets.values(), "Credential=", "Signature=", "Authorization"):
        assert secret not in text
    payloads = [
        detail[key]
        for line in map(json.loads, ended.recording.read_text().splitlines()[1:])
        for detail in line.values()
        if isinstance(detail, dict)
        for key in ("input", "output", "definition")
        if isinstance(detail.get(key), str)
    ]
    assert payloads
    assert not [payload for payload in payloads if payload in text]


def test_a_debug_file_is_gone_on_with_and_no_other_file_is_touched(
    program: Program, tmp_path: Path
) -> None:
    file, other = tmp_path / "debug.log", tmp_path / "notes"
    other.write_text("mine\n")
    assert program("doctor", "--debug", str(file)).code == 3
    file.chmod(0o644)
    assert program("doctor", SFNWATCH_DEBUG=str(file)).code == 3
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.read_text().count("sfnwatch debug 1\n") == 1
    assert file.read_text().count(" begins: ") == 2
    said = program("doctor", "--debug", str(other)).said(2)
    assert f"{other} exists and isn't a debug file." in said
    assert other.read_text() == "mine\n"
    assert "is no file" in program("doctor", "--debug", "/dev/null").said(2)
    said = "--debug takes a file. Name one, as debug.log."
    assert program("doctor", "--debug", "-").said(2) == said
    assert program("doctor", SFNWATCH_DEBUG="-").said(2) == said
    assert "'' is no path" in program("doctor", "--debug", "").said(2)
    assert program("doctor", SFNWATCH_DEBUG="").code == 3
    assert not Path("-").exists()
    assert "No such file" in program("doctor", "--debug", "/no/such/x").said(2)
    assert program("config", "doctor", "--debug", "new.log").code == 0
    assert not Path("new.log").exists()


@pytest.mark.parametrize(
    ("words", "secret"),
    [
        (("--endpoint-url", "https://me:hunter2@127.0.0.1:1"), "hunter2"),
        (("--profile", "aws_session_token=hunter2"), "hunter2"),
        (("--profile", "AKIAIOSFODNN7EXAMPLE"), "IOSFODNN7"),
        (("--profile", "Authorization: AWS4 hunter2"), "hunter2"),
    ],
)
def test_what_looks_like_a_secret_is_taken_out(
    program: Program, tmp_path: Path, words: tuple[str, ...], secret: str
) -> None:
    file = tmp_path / "debug.log"
    program("doctor", *words, "--region", "eu-west-1", "--debug", str(file))
    assert words[0] in file.read_text()
    assert secret not in file.read_text()


ECHOES: Mapping[str, Callable[[Any], str]] = {
    "headers": str,
    "one line": lambda headers: ", ".join(f"{k}: {v}" for k, v in headers.items()),
    "json": lambda headers: json.dumps(dict(headers.items())),
    "query": lambda headers: "&".join(f"{k}={v}" for k, v in headers.items()),
}


@pytest.mark.parametrize("echo", ECHOES)
@pytest.mark.parametrize("code", ["AccessDeniedException", "InvalidSignatureException"])
@pytest.mark.parametrize("words", [("doctor", ARN), ("list",), ("wait", "m")])
def test_what_a_server_says_again_of_a_request_s_secrets_is_not_in_it(
    program: Program, tmp_path: Path, words: tuple[str, ...], code: str, echo: str
) -> None:
    """AWS repeats the headers when it refuses a signature; a stranger may always."""
    secrets = {**KEYS, "AWS_SESSION_TOKEN": "FwoGZXIvYXdzEXAMPLETOKEN"}
    file, signatures = tmp_path / "debug.log", list[str]()

    def refuse(headers: Any) -> tuple[int, Any]:
        signatures.append(headers["Authorization"].rpartition("=")[2])
        message = ECHOES[echo](headers)
        if "X-Amz-Target" not in headers:
            told = f"<Code>{code}</Code><Message>{escape(message)}</Message>"
            return 403, f"<ErrorResponse><Error>{told}</Error></ErrorResponse>".encode()
        return 400, {"__type": code, "message": message}

    with answering(refuse) as url:
        told = ("--endpoint-url", url, *HERE, "--debug", str(file))
        program(*words, *told, **secrets, AWS_MAX_ATTEMPTS="1")
    text = file.read_text()
    assert "answer to " in text
    assert signatures
    for secret in (*secrets.values(), *signatures):
        assert secret not in text


def test_of_a_crash_it_has_the_place_and_not_what_it_was_about(
    program: Program, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def crash(*_: object, **__: object) -> None:
        raise RuntimeError("a payload")

    monkeypatch.setattr("sfnwatch.session.sessions.demo", crash)
    file = tmp_path / "debug.log"
    with pytest.raises(RuntimeError):
        program("demo", "async", "--plain", "--debug", str(file))
    text = file.read_text()
    assert "ends by RuntimeError" in text
    assert " in crash\n" in text
    assert "a payload" not in text


def test_a_debug_file_that_can_not_be_written_to_ends_no_watch(
    program: Program, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import os

    write = os.write

    def full(file: int, data: bytes) -> int:
        if b"asks " in data:
            raise OSError(28, "No space left on device")
        return write(file, data)

    monkeypatch.setattr(os, "write", full)
    file = tmp_path / "debug.log"
    words = ("demo", "async", "--plain", "--speed", "5000", "--no-record")
    ended = program(*words, "--debug", str(file))
    assert ended.code == 0
    assert f"{file} is not complete: No space left on device." in ended.err
    assert "asks " not in file.read_text()
