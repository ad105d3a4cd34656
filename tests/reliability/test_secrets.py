"""Canaries for credentials: none of them is found again, wherever one looks."""

from pathlib import Path

import pytest

from sfnwatch.demo import wire
from sfnwatch.recording.reader import read_recording
from sfnwatch.recording.writer import Recorder
from sfnwatch.sources.drive import Patience
from sfnwatch.trace.events import HealthState
from tests.builders import ARN, START
from tests.program.programs import Program, Served
from tests.reliability.outlets import every
from tests.sources.simulation import Simulate, Simulation

SECRET, TOKEN = "canarySECRET/" + "s" * 27, "canaryTOKEN" + "t" * 300
CANARIES = ("canarySECRET", "canaryTOKEN", "AWS4-HMAC-SHA256", "Signature=")
KEYS = {
    "AWS_ACCESS_KEY_ID": "ASIACANARYCANARYCANA",
    "AWS_SECRET_ACCESS_KEY": SECRET,
    "AWS_SESSION_TOKEN": TOKEN,
}


def found(text: str) -> list[str]:
    return [canary for canary in CANARIES if canary in text]


def test_no_credential_is_in_what_a_watch_writes(tmp_path: Path) -> None:
    program = Program(tmp_path)
    served = Served(program, "sync", speed=1000)
    words = (served.execution, "--endpoint-url", served.url, "--drain", "0")
    ended = program(*words, "--json", **KEYS)
    program.close()
    assert ended.code == 0
    assert found(ended.out + ended.err) == []
    files = [path for path in program.state.rglob("*") if path.is_file()]
    assert ended.recording in files
    assert [path for path in files if found(path.read_text())] == []
    for _, text in every(read_recording(ended.recording).records):
        assert found(text) == []


CANONICAL = f"""The request signature we calculated does not match. The Canonical String
for this request should have been
'POST
/

host:x
x-amz-security-token:{TOKEN}
'"""
AUTHORIZATION = (
    "Authorization header requires 'Signature' parameter. Authorization="
    "AWS4-HMAC-SHA256 Credential=ASIACANARYCANARYCANA/x, Signature=0f"
)


@pytest.mark.parametrize("echo", [CANONICAL, AUTHORIZATION])
async def test_what_aws_repeats_of_a_signature_is_not_kept(
    sync: Simulation, tmp_path: Path, echo: str
) -> None:
    def refused(*_: object) -> dict[str, object]:
        raise wire.common_error("UnrecognizedClientException", echo)

    sync.operation("DescribeExecution", refused)
    watched = await sync.watch(patience=Patience(1))
    assert watched.states("history")[-1] is HealthState.REFUSED
    recorder = Recorder.create(tmp_path / "run.jsonl", [ARN], START, "sfnwatch 0")
    recorder(tuple(watched.records))
    recorder.close()
    assert found(recorder.path.read_text()) == []
    assert found("".join(watched.messages("history"))) == []
    assert "UnrecognizedClientException" in watched.messages("history")[-1]


async def test_a_clock_that_is_wrong_is_said_and_waited_for(sync: Simulation) -> None:
    """The account's dates are of 2023, so that to AWS this machine is years ahead."""
    usual = sync.usual("GetExecutionHistory")
    wrong = [True]

    def refused(*asked: object) -> dict[str, object]:
        if wrong:
            said = "Signature expired: 20231115T001824Z is now earlier than …"
            raise wire.common_error("InvalidSignatureException", said)
        return usual(*asked)  # type: ignore[arg-type]

    sync.operation("GetExecutionHistory", refused)
    sync.clock.when(60, wrong.clear)
    watched = await sync.watch()
    assert HealthState.RETRYING in watched.states("history")
    assert "This machine's clock is" in watched.messages("history")[0]
    assert watched.messages("history")[0].endswith("Set the clock.")
    assert watched.status == "SUCCEEDED"


async def test_a_crash_of_a_source_tells_no_credential(
    simulate: Simulate, capsys: pytest.CaptureFixture[str]
) -> None:
    simulation = await simulate("async")

    def broken(*_: object) -> None:
        msg = "bug"
        raise LookupError(msg)

    simulation.patch.setattr("sfnwatch.sources.lookup.decode_call", broken)
    settings = simulation.settings(secret_access_key=SECRET)
    with pytest.raises(ExceptionGroup) as crashed:
        await simulation.watch(settings=settings)
    assert found(repr(crashed.value) + capsys.readouterr().err) == []
