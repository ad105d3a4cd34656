"""Keys, tokens and header values in use are found, however they are written."""

import json
from collections.abc import Callable
from urllib.parse import quote

import pytest

from sfnwatch.model.known_secrets import KnownSecrets
from sfnwatch.model.values import encode_json

SECRET = "wJalr/XUtnFEMI+K7MDENG/bPxRfiCYCANARY01=="
TOKEN = "IQoJb3JpZ2luX2VjEJ//////////wEaCWV1" + "x/Y+z" * 60 + "=="
AUTHORIZATION = (
    "AWS4-HMAC-SHA256 Credential=ASIACANARYCANARYCANA/20261202/eu-west-1/states/"
    "aws4_request, SignedHeaders=host;x-amz-date, Signature=0f12ab"
)


@pytest.fixture
def known() -> KnownSecrets:
    known = KnownSecrets()
    for secret in (SECRET, TOKEN, "ASIACANARYCANARYCANA"):
        known.keep(secret)
    return known


def html(text: str) -> str:
    return text.replace("/", "&#x2F;").replace("+", "&#43;").replace("=", "&#x3D;")


@pytest.mark.parametrize("secret", [SECRET, TOKEN, "ASIACANARYCANARYCANA"])
@pytest.mark.parametrize(
    "written",
    [
        str,
        html,
        lambda text: text.rstrip("="),
        lambda text: quote(text, safe=""),
        lambda text: quote(quote(text, safe=""), safe=""),
        lambda text: text.replace("/", "\\/"),
        lambda text: text.replace("/", "\\\\\\/"),
        lambda text: text.replace("=", "\\u003d").replace("+", "\\u002B"),
    ],
)
def test_a_secret_is_hidden_however_it_is_written(
    known: KnownSecrets, secret: str, written: Callable[[str], str]
) -> None:
    hidden = known.hide(f"before {written(secret)} after {written(secret)}.")
    for run in ("XUtnFEMI", "K7MDENG", "CANARY", "IQoJb3JpZ2luX2VjEJ", "wEaCWV1x"):
        assert run not in hidden
    assert hidden.startswith("before …")
    assert " after …" in hidden


def test_a_record_without_its_secrets_is_json_all_the_same(known: KnownSecrets) -> None:
    inner = json.dumps({"echo": f"\n{SECRET}", "more": [TOKEN, AUTHORIZATION]})
    record = encode_json({"cause": inner, "n": 1, TOKEN: SECRET})
    hidden = known.hide_in_json(record)
    told = json.loads(hidden)
    assert json.loads(told["cause"])["more"] == ["…==", "…"]
    assert told["n"] == 1
    assert b"CANARY" not in hidden
    assert b"Signature" not in hidden


def test_what_holds_no_secret_is_the_same_object(known: KnownSecrets) -> None:
    record = encode_json({"name": "nightly-report", "text": "x" * 500})
    assert known.hide_in_json(record) is record
    assert KnownSecrets().hide_in_json(b"AWS4-HMAC-SHA256") == b"AWS4-HMAC-SHA256"


@pytest.mark.parametrize(
    "value", [None, "", "short", "1234567890123456", "AKIAIOSFODNN7EXAMPLE"]
)
def test_what_is_no_secret_hides_nothing(value: str | None) -> None:
    known = KnownSecrets()
    known.keep(value)
    text = f"it says {value}, and {AUTHORIZATION}"
    assert known.hide(text) == text


def test_the_newest_secrets_are_known_and_no_more_than_some() -> None:
    known = KnownSecrets()
    for number in range(100):
        known.keep(f"canary-token-{number:03}")
    assert known.hide("canary-token-099") == "…"
    assert known.hide("canary-token-000") == "canary-token-000"
