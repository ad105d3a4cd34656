"""Nothing of the original is left: not in any coat, not from any field."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfnwatch.demo.scenarios import PLANS
from sfnwatch.recording.files import open_files
from sfnwatch.recording.recording import Recording
from sfnwatch.recording.redaction import redact
from sfnwatch.trace.events import Received
from tests.builders import sync_run
from tests.peers.fixtures import files, history, load, records
from tests.recording.redacting import (
    disguises,
    harmless,
    of,
    read,
    scenario,
    strings_of,
    text_of,
    unescaped,
)

ARN = "arn:aws:states:eu-central-1:111111111111:execution:machine:run"


def leaks(recording: Recording) -> set[str]:
    """Give all strings of a recording that its redaction still has."""
    text = text_of(redact(recording))
    raw, bare = text.lower(), unescaped(text)
    left = strings_of(read(text))
    kept = {leaf for leaf in left if harmless(leaf)}
    replaced = "\n".join(left - kept).lower()
    known = "\n".join(kept).lower()
    found = set()
    for secret in strings_of(recording):
        if len(secret) < 4 or harmless(secret):
            continue
        if secret.isdigit() and len(secret) < 8:
            # Few digits stand in any number: only as a string of their own they tell.
            leaked = secret in left
        elif secret.lower() in known:
            leaked = secret.lower() in replaced
        else:
            leaked = any(form in raw or form in bare for form in disguises(secret))
        if leaked:
            found.add(secret)
    return found


@pytest.mark.parametrize("name", PLANS)
def test_of_a_scenario(name: str) -> None:
    assert leaks(scenario(name)) == set()


@pytest.mark.parametrize("path", files("history-*/*.json"))
def test_of_a_history(path: Path) -> None:
    assert (
        leaks(of(*(Received(None, "history", ARN, e) for e in history(path)))) == set()
    )


@pytest.mark.parametrize(
    "path",
    [
        *files("cloudtrail-docs/[!l]*.json"),
        *files("cloudtrail-real/[!s]*.json"),
        *files("cloudtrail-real/st*.json"),
    ],
)
def test_of_calls(path: Path) -> None:
    assert (
        leaks(of(*(Received(None, "trail", None, r) for r in records(path)))) == set()
    )


@pytest.mark.parametrize("path", files("cloudtrail-docs/lookup_*.json"))
def test_of_a_lookup(path: Path) -> None:
    events = load(path)["response"]["Events"]
    assert leaks(of(*(Received(None, "lookup", None, e) for e in events))) == set()


@pytest.mark.parametrize("path", files("cloudtrail-real/seed_*.json"))
def test_of_rows(path: Path) -> None:
    rows = [
        {k: v for k, v in row.items() if v is not None} for row in load(path)["rows"]
    ]
    assert leaks(of(*(Received(None, "athena", None, row) for row in rows))) == set()


@pytest.mark.parametrize("path", files("*/*.json"))
def test_of_anything_at_all(path: Path) -> None:
    """Whatever it is, as a record of a source that nobody knows."""
    assert leaks(of(Received(None, "else", None, load(path)))) == set()


# -- canaries --------------------------------------------------------------------

CANARY = st.text("qzxjkvw7QZ", min_size=8, max_size=14).filter(
    lambda text: not text.isdigit() and len(set(text)) > 3
)
FORMS: list[Callable[[str], str]] = [
    lambda c: c,
    lambda c: f"{c} {c[::2]}",
    lambda c: f"{c}\x1b[31m\u202e\ud800",
    lambda c: f"{c}.amazonaws.com",
    lambda c: f"states.{c}.amazonaws.com",
    lambda c: f"States.{c}",
    lambda c: f"Lambda.{c}Exception",
    lambda c: f"Get{c.capitalize()}",
    lambda c: f"runTask.sync{c}",
    lambda c: f"aws-sdk:{c}",
    lambda c: f"us-{c}-1",
    lambda c: f"arn:aws:ecs:us-east-1:123456789012:task/{c}/{c}",
    lambda c: f"arn:{c}:{c}:{c}:{c}:{c}/{c}:{c}",
    lambda c: f"https://{c}.example/{c}?{c}={c}#{c}",
    lambda c: f"{c}@{c}.example",
    lambda c: json.dumps({c: [c, {c: json.dumps({c: c})}]}),
    json.dumps,
    lambda c: f'{{"{c}": ',
    lambda c: (
        f"Rate exceeded (Service: {c}; Status Code: 400; Error Code: {c};"
        f" Request ID: {c}; Proxy: null)"
    ),
    lambda c: (
        f"An error occurred while executing the state '{c}' (entered at the event"
        f" id #2). {c}"
    ),
    lambda c: f"User: {c} is not authorized to perform: ecs:{c} on resource: {c}",
    lambda c: f"2023-11-15T00:28:24Z{c}",
    lambda c: f"calls to {c}",
    lambda c: f"AWS::{c}::{c}",
    lambda c: f"sfnwatch/1 {c}",
    lambda c: f"AKIA{c.upper()}{c.upper()}",
    lambda c: f"x{c}StateEntered",
    lambda c: f"$.{c}[0]['{c}']",
]


def _planted(value: Any, plant: Callable[[str], str]) -> Any:
    """Replace each string and each key, JSON texts taken apart."""
    if isinstance(value, dict):
        return {plant(key): _planted(item, plant) for key, item in value.items()}
    if isinstance(value, list):
        return [_planted(item, plant) for item in value]
    if not isinstance(value, str):
        return value
    try:
        inner = json.loads(value) if value[:1] in {"{", "["} else None
    except ValueError:
        inner = None
    return plant(value) if inner is None else json.dumps(_planted(inner, plant))


@st.composite
def infested(draw: st.DrawFn) -> tuple[str, Recording]:
    """Plant a canary in about a quarter of all strings and a few keys."""
    canary, form = draw(CANARY), draw(st.sampled_from(FORMS))
    salt, all_keys = draw(st.integers(0, 9)), draw(st.booleans())

    def plant(text: str) -> str:
        chosen = (sum(map(ord, text)) + salt) % 4 == 0
        return form(canary) if chosen and (all_keys or text[:1].isupper()) else text

    source = draw(st.sampled_from(["", "denied", "pipeline", "failure"]))
    if source in PLANS:
        recorded = scenario(source).records
    else:
        recorded = tuple(sync_run(denied=bool(source)))
    records = [
        Received(
            r.at,
            plant(str(r.source)),
            r.execution_arn and plant(r.execution_arn),
            _planted(dict(r.data), plant),
        )
        for r in recorded
    ]
    return canary, of(*records)


@settings(max_examples=60, deadline=None)
@given(infested())
def test_of_canaries_in_any_field(planted: tuple[str, Recording]) -> None:
    canary, recording = planted
    text = text_of(redact(recording))
    raw, bare = text.lower(), unescaped(text)
    assert not [f for f in disguises(canary) if f in raw or f in bare]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "field", ["error", "cause", "resource", "resourceType", "name"]
)
def test_of_a_canary_in_the_fields_the_decoder_reads(
    field: str, form: Callable[[str], str]
) -> None:
    canary = "Zqxjkvqz"
    details = {"name": "Work", "resourceType": "ecs", field: form(canary)}
    types = ("TaskStateEntered", "TaskScheduled", "TaskSubmitted", "TaskFailed")
    events = [
        {
            "id": number,
            "type": kind,
            "timestamp": 1_700_000_000 + number,
            "previousEventId": number - 1,
            f"{'state' if 'State' in kind else kind[0].lower() + kind[1:]}"
            f"{'Entered' if 'State' in kind else ''}EventDetails": details,
        }
        for number, kind in enumerate(types, 1)
    ]
    text = text_of(redact(of(*(Received(None, "history", ARN, e) for e in events))))
    assert canary.lower() not in unescaped(text)


def test_a_file_s_name_is_not_told(tmp_path: Path) -> None:
    path = tmp_path / "Zqxjkvqz of Gromit.json"
    event = {"id": 1, "type": "ExecutionStarted", "timestamp": "2023-11-15T00:28:24Z"}
    path.write_text(json.dumps({"events": [event]}))
    recording = open_files([path])
    assert "Zqxjkvqz" in recording.executions[0]
    assert not {"zqxjkvqz", "gromit"} & set(
        unescaped(text_of(redact(recording))).split()
    )
    assert "zqxjkvqz" not in unescaped(text_of(redact(recording)))
