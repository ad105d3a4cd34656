"""Nothing is sent in the clear to another machine, whoever named it."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.errors import UsageError
from sfnwatch.options import checked_url
from sfnwatch.sources.aws import Aws
from sfnwatch.sources.drive import Failure
from sfnwatch.sources.endpoints import ALLOW_HTTP, is_loopback, refusal
from sfnwatch.trace.events import HealthState
from tests.sources.simulation import REGION, Simulation

ELSEWHERE = "http://states.example.com:8080"
ARN = "arn:aws:states:ap-northeast-1:123456789012:execution:m:e"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:4597",
        "http://localhost:4566",
        "http://[::1]:1",
        "https://states.example.com",
        None,
    ],
)
def test_this_machine_and_tls_are_asked(url: str | None) -> None:
    assert refusal(url, {}) == ""
    assert checked_url(url) == url


@pytest.mark.parametrize(
    "url",
    [
        ELSEWHERE,
        "http://127.evil.example",
        "http://127.0.0.1@evil.example/",
        "http://localhost.evil.example",
        "http://10.0.0.1",
        "http://169.254.169.254",
        "http://evil\x1b[2J.example",
        "HTTP://states.example.com",
    ],
)
def test_another_machine_is_not_asked_without_tls(url: str) -> None:
    said = refusal(url, {})
    assert "neither this machine nor https" in said
    assert ALLOW_HTTP in said
    assert said.isprintable()
    assert refusal(url, {ALLOW_HTTP: "1"}) == ""
    with pytest.raises(UsageError):
        checked_url(url)


@given(st.text())
def test_any_text_is_judged(host: str) -> None:
    assert refusal(f"http://{host}", {}) or is_loopback(f"http://{host}")


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SFN", "config"])
async def test_nor_is_one_that_the_environment_or_the_profile_names(
    sync: Simulation, tmp_path: Path, name: str
) -> None:
    if name == "config":
        config = tmp_path / "config"
        config.write_text(f"[default]\nendpoint_url = {ELSEWHERE}\n")
        sync.patch.setenv("AWS_CONFIG_FILE", str(config))
    else:
        sync.patch.setenv(name, ELSEWHERE)
    sync.patch.setenv("AWS_ACCESS_KEY_ID", "A" * 20)
    sync.patch.setenv("AWS_SECRET_ACCESS_KEY", "s" * 40)
    own = {"access_key_id": None, "secret_access_key": None}
    settings = sync.settings(endpoint_url=None, **own)
    async with Aws(settings) as aws:
        with pytest.raises(Failure, match="neither this machine") as failed:
            await aws.call("states:DescribeExecution", ARN, REGION, executionArn=ARN)
    assert failed.value.state is HealthState.REFUSED
