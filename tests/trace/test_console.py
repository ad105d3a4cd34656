import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.trace.arns import parse_execution_arn
from sfnwatch.trace.console import console_url, event_url, url_for
from sfnwatch.trace.lanes import build_lanes
from sfnwatch.trace.timeline import Trace, extend
from tests.builders import ARN, REGION, call, sync_run

EVENT_ID = "3fe1bfe0-c90e-4215-9162-aae633a3e9c6"


def arn(partition: str, region: str, name: str = "run-7f3a") -> str:
    return f"arn:{partition}:states:{region}:123456789012:execution:machine:{name}"


def test_an_execution_has_its_page_in_the_console() -> None:
    assert console_url(ARN) == (
        f"https://{REGION}.console.aws.amazon.com/states/home?region={REGION}"
        f"#/v2/executions/details/{ARN}"
    )


@pytest.mark.parametrize(
    ("partition", "region", "domain"),
    [
        ("aws-cn", "cn-north-1", "console.amazonaws.cn"),
        ("aws-us-gov", "us-gov-west-1", "console.amazonaws-us-gov.com"),
    ],
)
def test_other_partitions_have_consoles_of_their_own(
    partition: str, region: str, domain: str
) -> None:
    begin = f"https://{region}.{domain}/"
    assert (console_url(arn(partition, region)) or "").startswith(f"{begin}states/")
    assert (event_url(region, EVENT_ID) or "").startswith(f"{begin}cloudtrailv2/")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "run-7f3a",
        arn("aws-iso", "us-iso-east-1"),
        arn("aws", "nowhere"),
        ARN.replace(":execution:", ":stateMachine:"),
        ARN.replace(":execution:", ":express:") + ":uuid",
    ],
)
def test_what_has_no_known_page_gets_none(text: str) -> None:
    assert console_url(text) is None


@given(st.text(st.characters(exclude_characters=":"), min_size=1))
def test_a_name_of_any_characters_stays_in_the_address_and_leads_back(
    name: str,
) -> None:
    name = name.encode(errors="ignore").decode()
    url = console_url(arn("aws", REGION, name))
    if url is not None:
        assert url.isascii()
        assert url.isprintable()
        assert " " not in url
        expected = parse_execution_arn(arn("aws", REGION, name)).arn
        assert parse_execution_arn(url).arn == expected or "%" in name


def test_a_call_has_its_page_in_the_event_history() -> None:
    assert event_url("eu-west-1", EVENT_ID) == (
        "https://eu-west-1.console.aws.amazon.com/cloudtrailv2/home?region=eu-west-1"
        f"#/events/{EVENT_ID}"
    )


@pytest.mark.parametrize(
    ("region", "event_id"),
    [
        ("", EVENT_ID),
        ("evil.example/", EVENT_ID),
        ("us-iso-east-1", EVENT_ID),
        ("us-east-1", "row-0123456789abcdef0123456789abcdef"),
        ("us-east-1", f"{EVENT_ID}\n"),
        ("us-east-1", ""),
    ],
)
def test_a_call_that_no_page_can_be_made_of_has_none(
    region: str, event_id: str
) -> None:
    assert event_url(region, event_id) is None


def test_a_rows_page_is_its_calls_or_its_executions() -> None:
    records = [*sync_run(), call("StopTask", 300, key=EVENT_ID)]
    trace = extend(Trace(), records)
    rows = build_lanes(trace).rows
    pages = {row.key: url_for(row, trace) for row in rows}
    assert pages[f"{ARN}#1"] == console_url(ARN)
    assert pages[f"call#{EVENT_ID}"] == event_url(REGION, EVENT_ID)
    assert pages["call#run"] is None
    assert url_for(rows[0], Trace()) is None
