"""Network activity events: what they are, and that they are no calls of states."""

from collections.abc import Sequence
from io import StringIO
from typing import Any

import pytest

from sfnwatch.analysis.findings import find
from sfnwatch.export import csv
from sfnwatch.export.json.trace import trace_json
from sfnwatch.model.api_call import ApiCall, decode_call
from sfnwatch.model.linking.link import LinkRule
from sfnwatch.model.records import Received
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.view.anonymizer import Anonymizer
from sfnwatch.view.captions import caption
from sfnwatch.view.line_maker import LineMaker
from sfnwatch.view.outline import Outline
from sfnwatch.view.outline_options import OutlineOptions
from sfnwatch.view.parts import plain_text
from sfnwatch.view.why_words import match_verdict
from tests import builders as aws
from tests.export.traces import trace_of

DENIED = aws.network_activity("DescribeTasks", 60, key="net-denied", denied=True)
ALLOWED = aws.network_activity("DescribeTasks", 61, key="net-allowed")
BOTH = [aws.trail(DENIED), aws.trail(ALLOWED)]
ENDPOINT = "VPC endpoint vpce-0a1b2c3d"
WHO = "DescribeTasks with the role StepFunctions-sync-role"
COLUMNS = ("eventid", "eventtime", "eventsource", "eventname", "issuerarn")


def read(record: Received) -> ApiCall:
    return decode_call(record)[0]


def found(records: Sequence[Received], kind: str) -> list[str]:
    findings = find(trace_of(records).as_of())
    return [finding.text for finding in findings if finding.kind == kind]


def test_a_record_says_that_it_is_one_by_its_category_or_by_its_type() -> None:
    denied = read(aws.trail(DENIED))
    assert (denied.is_network_activity, denied.is_denied_by_endpoint) == (True, True)
    assert (denied.vpc_endpoint_id, denied.by_others) == ("vpce-0a1b2c3d", True)
    allowed = read(aws.trail(ALLOWED))
    assert (allowed.is_network_activity, allowed.is_denied_by_endpoint) == (True, False)
    for absent in ("eventCategory", "eventType"):
        assert read(aws.changed(aws.trail(ALLOWED), **{absent: ...})) == allowed
    # The record of the call itself may name the endpoint that it came through.
    through = {"vpcEndpointId": "vpce-1", "eventCategory": "Management"}
    call = read(aws.changed(aws.trail(aws.api_call("RunTask", 1, key="k")), **through))
    assert (call.is_network_activity, call.vpc_endpoint_id) == (False, "vpce-1")
    assert not call.by_others


@pytest.mark.parametrize(
    "more",
    [
        {"eventtype": "AwsVpceEvent"},
        {"eventcategory": "NetworkActivity"},
        {"eventtype": "AwsVpceEvents"},
    ],
)
def test_a_row_of_a_table_says_so_too(more: dict[str, Any]) -> None:
    record = {**DENIED, "readOnly": True, "requestParameters": None}
    record["responseElements"] = None
    row = aws.athena(record, *COLUMNS, errorcode="VpceAccessDenied", **more)
    assert read(row).is_denied_by_endpoint
    assert not read(aws.athena(record, *COLUMNS)).is_network_activity


def test_it_is_matched_to_no_state_and_changes_no_count() -> None:
    run = aws.sync_run()
    trace = trace_of([*run, *BOTH])
    for event_id in ("net-denied", "net-allowed"):
        assert trace.links[event_id].rule is LinkRule.ROLE_ONLY
    for kind in ("polling", "pattern", "noticed", "denied-but-succeeded", "unseen"):
        assert found([*run, *BOTH], kind) == found(run, kind)
    said = "Network activity, no call of a state:"
    assert found([*run, *BOTH], "network-activity") == [
        f"{said} {WHO} went once through {ENDPOINT}.",
        f"{said} the policy of {ENDPOINT} denied {WHO} once.",
    ]


def test_alone_it_is_no_call_by_step_functions() -> None:
    alone = [aws.trail({**DENIED, "sourceIPAddress": "states.amazonaws.com"})]
    assert len(found(alone, "network-activity")) == 1
    for kind in ("polling", "pattern", "calls", "failed-calls"):
        assert found(alone, kind) == []


def test_an_event_of_another_role_is_not_shown() -> None:
    other = "arn:aws:iam::123456789012:role/other"
    record = aws.network_activity("GetSecretValue", 60, key="k", role=other)
    assert found([*aws.sync_run(), aws.trail(record)], "network-activity") == []


def test_its_line_and_its_caption_say_what_the_endpoint_did() -> None:
    trace = trace_of([*aws.sync_run(), *BOTH])
    snapshot = trace.as_of()
    outline = Outline(trace, OutlineOptions())
    maker = LineMaker(snapshot, outline)
    said: dict[str, tuple[str, str]] = {}
    for item in outline.at(snapshot):
        if isinstance(item, ApiCall) and item.is_network_activity:
            line = maker.line(item)
            assert line.call is not None
            said[item.event_id] = plain_text(line.call.parts), caption(line, snapshot)
    ending = ": network activity, no call of a state."
    denied = f"denied by the policy of {ENDPOINT}"
    assert said["net-denied"] == (
        f"DescribeTasks  network activity  ✘ {denied}",
        f"{WHO} was {denied}{ending}",
    )
    assert said["net-allowed"] == (
        f"DescribeTasks  network activity, through {ENDPOINT}",
        f"{WHO} went through {ENDPOINT}{ending}",
    )
    verdict = match_verdict(snapshot, trace.calls["net-denied"])
    assert verdict.startswith("not matched: network activity, denied by the policy of")


def exported(snapshot: Snapshot) -> dict[str, Any]:
    calls: list[dict[str, Any]] = trace_json(snapshot)["calls"]
    (denied,) = (call for call in calls if call["event_id"] == "net-denied")
    return denied


def test_exports_say_what_it_is() -> None:
    snapshot = trace_of([*aws.sync_run(), *BOTH]).as_of()
    assert exported(snapshot)["network_activity"] == {
        "vpc_endpoint_id": "vpce-0a1b2c3d",
        "denied_by_endpoint": True,
    }
    out = StringIO()
    csv.dump(snapshot, out)
    rows = [row for row in out.getvalue().splitlines() if "net-" in row]
    assert len(rows) == 2
    assert all(",network-activity," in row for row in rows)


def test_it_is_still_one_after_redaction() -> None:
    records = [*aws.sync_run(), *BOTH]
    anonymizer = Anonymizer.for_records(records)
    redacted = trace_of([anonymizer.redact(record) for record in records])
    (denied,) = (c for c in redacted.calls.values() if c.is_denied_by_endpoint)
    assert denied.vpc_endpoint_id not in {None, "vpce-0a1b2c3d"}
