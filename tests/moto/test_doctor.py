"""`sfnwatch doctor` before an account that is not the demo's."""

from tests.builders import REGION
from tests.cli.programs import KEYS, Program
from tests.moto import machines as asl
from tests.moto.account import MotoAccount


def test_every_read_is_tried_on_an_execution_that_moto_has_run(
    account: MotoAccount, program: Program
) -> None:
    machine = account.machine("checked", {"Rest": asl.rest(0)}, "role-checked")
    arn = account.start(machine)
    words = ("doctor", arn, "--endpoint-url", account.url, "--region", REGION)
    ended = program(*words, **KEYS)
    assert (ended.code, ended.err) == (0, "")
    assert "arn:aws:sts::123456789012:" in ended.out
    assert "DescribeStateMachineForExecution" in ended.out
