"""Canaries for credentials: none of them is found again, wherever one looks."""

from pathlib import Path

import pytest

from sfnwatch.model.records import HealthState
from tests.cli.conftest import program
from tests.cli.programs import Program, serving
from tests.reliability.outlets import another, written
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
