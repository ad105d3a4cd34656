"""Canaries for credentials: none of them is found again, wherever one looks."""

from pathlib import Path
from typing import Any

import pytest

from sfnwatch.model.source_health import HealthState
from tests import builders as aws
from tests.cli.conftest import program
from tests.cli.programs import Program, serving
from tests.reliability.outlets import another, written
from tests.reliability.servers import answering
from tests.sources.conftest import hasty_botocore, simulate, sync
from tests.sources.loopback import Refusal
from tests.sources.simulation import Simulation

__all__ = ["hasty_botocore", "program", "simulate", "sync"]
SECRET, TOKEN = "canarySECRET/" + "s" * 27, "canaryTOKEN" + "t" * 300
CANARIES = ("canarySECRET", "canaryTOKEN", "AWS4-HMAC-SHA256", "Signature=")
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "ASIACANARYCANARYCANA",
    "AWS_SECRET_ACCESS_KEY": SECRET,
    "AWS_SESSION_TOKEN": TOKEN,
}


def found(text: str) -> list[str]:
    return [canary for canary in CANARIES if canary in text]


def test_no_credential_is_in_what_a_watch_writes(
    program: Program, tmp_path: Path
) -> None:
    with serving(["async"], speed=2000) as served:
        words = served.words("watch", served.execution, "--drain", "0", "--json")
        ended = program(*words, **CREDENTIALS)
    assert ended.code == 0, ended
    assert found(ended.out + ended.err) == []
    files = [path for path in program.state.rglob("*") if path.is_file()]
    assert ended.recording in files
    assert [path for path in files if found(path.read_text())] == []
    for _, told in written(program, ended.recording, another(tmp_path)):
        assert found(told.out + told.err) == []


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
    sync: Simulation, echo: str
) -> None:
    def refused(*_: object) -> None:
        raise Refusal("UnrecognizedClientException", echo)

    sync.changes["DescribeExecution"] = refused
    watched = await sync.watch(tries=1)
    assert watched.states("history")[-1] is HealthState.REFUSED
    assert all(not found(each.data.decode()) for each in watched.records)
    assert "UnrecognizedClientException" in watched.messages("history")[-1]


# -- whoever echoes them -------------------------------------------------------------

ALL = (*CANARIES, "CANARYCANARY", "canaryHEADER")


def answer_to(echo: str, headers: Any) -> tuple[int, Any]:
    """Answer for an execution that has failed, with all the headers that were sent."""
    said = "; ".join(f"{name}: {value}" for name, value in headers.items())
    said += f"; {SECRET}"
    operation = headers.get("X-Amz-Target", "").rpartition(".")[2]
    if not operation:  # it is the collector's
        return 400, f"<html>{said}</html>".encode()
    if echo == "error":
        return 400, {"__type": "UnrecognizedClientException", "message": said}
    if operation == "LookupEvents":
        return 400, {"__type": f"{TOKEN}{SECRET}", "message": "no"}
    events = [each.record for each in aws.failed_history().records]
    events[-1]["executionFailedEventDetails"]["cause"] = f'{{"told": "{said}"}}'
    answers: dict[str, Any] = {
        "GetExecutionHistory": {"events": events},
        "DescribeExecution": aws.describe("FAILED", stopped=3.2, cause=said).record,
        "ListExecutions": {"executions": []},
        "DescribeStateMachineForExecution": {
            **aws.definition({}).record,
            "label": said,
        },
    }
    return 200, answers[operation]


@pytest.mark.parametrize("echo", ["error", "record"])
def test_whoever_echoes_what_was_sent_it_is_in_nothing_that_is_written(
    program: Program, tmp_path: Path, echo: str
) -> None:
    debug = tmp_path / "debug.log"
    environ = {
        **CREDENTIALS,
        "OTEL_EXPORTER_OTLP_HEADERS": "x-api-key=Bearer%20canaryHEADER%2FcanaryHEADER1",
    }
    with answering(lambda headers: answer_to(echo, headers)) as url:
        words = ["watch", aws.ARN, "--endpoint-url", url, "--drain", "0", "--json"]
        words += ["--debug", str(debug), "--otlp", url]
        ended = program(*words, **environ)
    texts = {"out": ended.out, "err": ended.err}
    texts |= {str(p): p.read_text() for p in program.state.rglob("*") if p.is_file()}
    texts["debug"] = debug.read_text()
    leaks = [
        (place, canary)
        for place, text in texts.items()
        for canary in ALL
        if canary in text
    ]
    assert leaks == []
    if echo == "record":
        assert program.recordings, ended
