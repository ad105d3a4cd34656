"""Which endpoints are AWS's."""

import pytest
from botocore.session import Session
from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.sources.endpoints import foreign_host


@pytest.mark.parametrize("service", ["stepfunctions", "cloudtrail", "ecs"])
@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov"])
def test_no_endpoint_of_aws_is_foreign(service: str, partition: str) -> None:
    session = Session()
    session.set_credentials("AKIDEXAMPLE", "none")
    regions = session.get_available_regions(service, partition)
    assert regions
    for region in regions:
        client = session.create_client(service, region)
        assert foreign_host(client.meta.endpoint_url) == ""


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://127.0.0.1:4566", "127.0.0.1:4566"),
        ("http://[::1]:4566/path", "[::1]:4566"),
        ("https://me:secret@emulator.example", "emulator.example"),
        ("https://amazonaws.com.example", "amazonaws.com.example"),
        ("https://myamazonaws.com", "myamazonaws.com"),
        ("https://states.eu-west-1.amazonaws.com", ""),
        ("https://vpce-1-2.states.eu-west-1.vpce.amazonaws.com", ""),
        ("https://states.eu-west-1.api.aws", ""),
        ("http://127.0.0.1:none", ""),
    ],
)
def test_what_is_not_of_a_domain_of_aws_is_foreign(url: str, host: str) -> None:
    assert foreign_host(url) == host


@given(st.text())
def test_any_text_has_an_answer_without_a_login(text: str) -> None:
    assert "\x1b" not in foreign_host(f"https://me:hunter2@{text}")
