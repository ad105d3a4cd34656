"""Where a queue is, by its URL: at AWS, or on this machine, and nowhere else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.errors import UsageError
from sfnwatch.sources.queue_url import is_loopback, parse_queue_url

PATH = "/123456789012/calls"


@pytest.mark.parametrize(
    ("host", "region", "usual"),
    [
        ("sqs.eu-west-1.amazonaws.com", "eu-west-1", True),
        ("SQS.eu-west-1.amazonaws.com", "eu-west-1", True),
        ("sqs.us-gov-west-1.amazonaws.com", "us-gov-west-1", True),
        ("sqs.cn-north-1.amazonaws.com.cn", "cn-north-1", True),
        ("sqs-fips.us-east-1.amazonaws.com", "us-east-1", False),
        ("sqs.us-east-1.api.aws", "us-east-1", False),
        ("us-west-2.queue.amazonaws.com", "us-west-2", False),
        ("vpce-0a-b1.sqs.eu-west-1.vpce.amazonaws.com", "eu-west-1", False),
    ],
)
def test_a_host_of_awss_says_the_region(host: str, region: str, usual: bool) -> None:  # noqa: FBT001
    address = parse_queue_url(f" https://{host}{PATH}\n")
    assert (address.region, address.name) == (region, "calls")
    assert address.endpoint_url == (None if usual else f"https://{host.lower()}")
    assert address.url == f"https://{host}{PATH}"
    assert not address.fifo


@pytest.mark.parametrize(
    "origin",
    [
        "http://127.0.0.1:5000",
        "http://localhost:4566",
        "https://[::1]",
        "http://127.9.9.9",
    ],
)
def test_this_machine_is_asked_where_the_url_says(origin: str) -> None:
    address = parse_queue_url(f"{origin}/queue/calls.fifo")
    assert (address.endpoint_url, address.region) == (origin, None)
    assert address.fifo


@pytest.mark.parametrize(
    "url",
    [
        "",
        "calls",
        "arn:aws:sqs:eu-west-1:123456789012:calls",
        "https://sqs.eu-west-1.amazonaws.com/",
        "https://sqs.eu-west-1.amazonaws.com/123/calls",
        "https://sqs.eu-west-1.amazonaws.com/123456789012/",
        "https://sqs.eu-west-1.amazonaws.com/123456789012/a/b",
        "https://sqs.eu-west-1.amazonaws.com/123456789012/calls?x=1",
        "https://sqs.eu-west-1.amazonaws.com:8443/123456789012/calls",
        "https://user:secret@sqs.eu-west-1.amazonaws.com/123456789012/calls",
        "https://sqs.eu-west-1.amazonaws.com.example.org/123456789012/calls",
        "https://sqs.example.org/123456789012/calls",
        "https://sqs.eu-west-1.example.org/123456789012/calls",
        "https://evil-sqs.eu-west-1.amazonaws.com.evil.org/123456789012/calls",
        "http://sqs.eu-west-1.amazonaws.com/123456789012/calls",
        "http://127.0.0.1.example.org/q/calls",
        "http://127.0.0.1:5000/",
        "http://127.0.0.1:nonsense/q",
        "ftp://127.0.0.1/q",
        "https://[::1/q",
        "https://s3.eu-west-1.amazonaws.com/123456789012/calls",
    ],
)
def test_anything_else_is_refused_and_says_why(url: str) -> None:
    with pytest.raises(UsageError, match="No URL of an SQS queue") as raised:
        parse_queue_url(url)
    assert "get-queue-url" in raised.value.hint


def test_what_was_typed_is_shown_clean() -> None:
    with pytest.raises(UsageError) as raised:
        parse_queue_url("https://\x1b[31mx/q")
    assert "\x1b" not in str(raised.value)


@given(
    st.text(alphabet=":/@.?#[]%0123456789abcdefqsqs-amazonaws.com \x1b\n", max_size=60)
)
def test_no_text_does_any_harm(text: str) -> None:
    for url in (text, f"https://{text}", f"https://sqs.eu-west-1.amazonaws.com/{text}"):
        try:
            address = parse_queue_url(url)
        except UsageError:
            continue
        assert address.name
        assert "\x1b" not in address.shown


def test_only_this_machine_is_this_machine() -> None:
    assert is_loopback("127.0.0.1")
    assert not is_loopback("127.0.0.1.example.org")
    assert not is_loopback("0.0.0.0")  # noqa: S104
