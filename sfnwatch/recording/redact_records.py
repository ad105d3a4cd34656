"""Each kind of record, field by field.

A field that is not listed is a payload to us: its key and all in it are replaced.
"""

import re
from collections.abc import Mapping
from typing import Any

from sfnwatch.recording.redact_definitions import Definitions
from sfnwatch.recording.redact_fields import Fields, Redact, Table
from sfnwatch.recording.redact_words import NOTES
from sfnwatch.trace.events import From, HealthState, Received
from sfnwatch.trace.task_states import DETAIL_TYPE

_DETAILS = "EventDetails"
_TASK_TIMES = (
    "connectivityAt",
    "createdAt",
    "executionStoppedAt",
    "pullStartedAt",
    "pullStoppedAt",
    "startedAt",
    "stoppedAt",
    "stoppingAt",
    "updatedAt",
)
_VERSION = re.compile(r"[0-9]\.[0-9]{1,2}")
_NOTE = re.compile(rf"(?:{NOTES})(?:, page [0-9]{{1,6}})?(?:, try [0-9]{{1,3}})?")


class Records:
    """Redacts records, by the tables below."""

    def __init__(self, fields: Fields, definitions: Definitions) -> None:
        self._fields = fields
        self._event, self._details = _event(fields), _details(fields)
        record = _record(fields)
        self._tables: Mapping[str, Table] = {
            From.DESCRIBE: _described(fields),
            From.DEFINITION: _defined(fields, definitions.text),
            From.LOOKUP: _lookup(fields, record),
            From.TRAIL: record,
            From.ATHENA: _row(fields, record),
            From.TASK_STATE: _task_event(fields),
            From.EXPRESS: _logged(fields, self._details),
            From.MAP_RUN: _map_run(fields),
            From.CHILDREN: _children(fields),
            From.HEALTH: _health(fields),
            From.REQUEST: _request(fields),
        }

    def received(self, received: Received) -> Received:
        """Redact a record; one that nobody can read is a payload."""
        source, arn = str(received.source), received.execution_arn
        data = (
            self._history(received.data)
            if source == From.HISTORY
            else self._fields.object(received.data, self._tables.get(source, {}))
        )
        return Received(
            received.at,
            source if source in list(From) else self._fields.ident(source, "source"),
            None if arn is None else self.execution(arn),
            data,
        )

    def execution(self, arn: str) -> str:
        """Redact an execution's ARN, or the name of a file that stands for one."""
        return self._fields.texts.text(arn, "execution")

    def event_id(self, event_id: str) -> str:
        """Redact the id of a call's record."""
        return self._fields.texts.text(event_id)

    def _history(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Redact an event, whose details have a key for each type."""
        redacted = {}
        for key, value in data.items():
            if key.endswith(_DETAILS) and isinstance(value, Mapping):
                name = self._details_key(key)
                redacted[name] = self._fields.object(value, self._details)
            else:
                redacted |= self._fields.object({key: value}, self._event)
        return redacted

    def _details_key(self, key: str) -> str:
        stem = key.removesuffix(_DETAILS)
        kind = self._fields.names.event_type(stem[:1].upper() + stem[1:])
        return kind[:1].lower() + kind[1:] + _DETAILS


# -- history ---------------------------------------------------------------------


def _event(fields: Fields) -> Table:
    return {
        "timestamp": fields.values.time,
        "id": fields.values.whole,
        "previousEventId": fields.values.whole,
        "type": fields.word(fields.names.event_type),
    }


def _details(fields: Fields) -> Table:
    values, names = fields.values, fields.names
    about = fields.inside({"truncated": values.truth, "included": values.truth})
    arns = ("mapRunArn", "roleArn", "stateMachineAliasArn", "stateMachineVersionArn")
    counts = ("index", "length", "redriveCount")
    return {
        **dict.fromkeys(("name", "state"), fields.state),
        **dict.fromkeys((*arns, "workerName"), fields.ident),
        **dict.fromkeys((*counts, "timeoutInSeconds"), values.whole),
        "heartbeatInSeconds": values.whole,
        **dict.fromkeys(("input", "output", "parameters"), values.value),
        **dict.fromkeys(("inputDetails", "outputDetails"), about),
        "assignedVariables": values.value,
        "assignedVariablesDetails": about,
        "resourceType": fields.word(names.service),
        "resource": fields.word(names.resource),
        "region": fields.word(names.region),
        "error": fields.word(names.error),
        "cause": fields.message,
        "location": values.value,
        "taskCredentials": fields.inside({"roleArn": fields.ident}),
    }


def _logged(fields: Fields, details: Table) -> Table:
    """An event of an execution's log: the same in other words."""
    values = fields.values
    return {
        "event_timestamp": values.time,
        **dict.fromkeys(("id", "previous_event_id", "redrive_count"), values.whole),
        "type": fields.word(fields.names.event_type),
        "details": fields.inside(details),
        "execution_arn": fields.name("execution"),
    }


# -- answers ---------------------------------------------------------------------


def _described(fields: Fields) -> Table:
    values = fields.values
    names = ("executionArn", "stateMachineArn", "mapRunArn", "name", "traceHeader")
    more = ("stateMachineVersionArn", "stateMachineAliasArn")
    about = fields.inside({"included": values.truth})
    return {
        **dict.fromkeys((*names, *more), fields.ident),
        **dict.fromkeys(("startDate", "stopDate", "redriveDate"), values.time),
        **dict.fromkeys(("status", "redriveStatus"), values.enum),
        **dict.fromkeys(("input", "output"), values.value),
        **dict.fromkeys(("inputDetails", "outputDetails"), about),
        **dict.fromkeys(("cause", "redriveStatusReason"), fields.message),
        "redriveCount": values.whole,
        "error": fields.word(fields.names.error),
    }


def _defined(fields: Fields, definition: Redact) -> Table:
    values = fields.values
    names = ("stateMachineArn", "name", "roleArn", "mapRunArn", "label")
    logging = {"level": values.enum, "includeExecutionData": values.truth}
    return {
        **dict.fromkeys((*names, "executionArn", "revisionId"), fields.ident),
        **dict.fromkeys(("updateDate", "creationDate"), values.time),
        **dict.fromkeys(("status", "type"), values.enum),
        "definition": definition,
        "tracingConfiguration": fields.inside({"enabled": values.truth}),
        "loggingConfiguration": fields.inside(logging),
    }


def _map_run(fields: Fields) -> Table:
    values = fields.values
    words = "pending running succeeded failed timedOut aborted total resultsWritten"
    counts = dict.fromkeys(
        (*words.split(), "failuresNotRedrivable", "pendingRedrive"), values.whole
    )
    return {
        **dict.fromkeys(("mapRunArn", "executionArn"), fields.ident),
        **dict.fromkeys(("startDate", "stopDate", "redriveDate"), values.time),
        **dict.fromkeys(("itemCounts", "executionCounts"), fields.inside(counts)),
        **dict.fromkeys(("maxConcurrency", "redriveCount"), values.whole),
        "toleratedFailureCount": values.whole,
        "toleratedFailurePercentage": values.number,
        "status": values.enum,
    }


def _children(fields: Fields) -> Table:
    values = fields.values
    arns = ("executionArn", "stateMachineArn", "mapRunArn", "name")
    more = ("stateMachineVersionArn", "stateMachineAliasArn")
    item = {
        **dict.fromkeys((*arns, *more), fields.ident),
        **dict.fromkeys(("startDate", "stopDate", "redriveDate"), values.time),
        **dict.fromkeys(("itemCount", "redriveCount"), values.whole),
        "status": values.enum,
    }
    return {"executions": fields.each(fields.inside(item))}


# -- CloudTrail ------------------------------------------------------------------


def _lookup(fields: Fields, record: Table) -> Table:
    resource = {"ResourceType": fields.type, "ResourceName": fields.ident}
    return {
        **dict.fromkeys(("EventId", "AccessKeyId"), fields.ident),
        "Username": fields.name("user"),
        "EventName": record["eventName"],
        "EventSource": record["eventSource"],
        "EventTime": fields.values.time,
        "ReadOnly": fields.values.truth,
        "Resources": fields.each(fields.inside(resource)),
        "CloudTrailEvent": fields.json(record),
    }


def _record(fields: Fields) -> Table:
    values, names = fields.values, fields.names
    ids = ("requestID", "eventID", "recipientAccountId", "sharedEventID")
    resource = {"type": fields.type, "ARN": fields.ident, "accountId": fields.ident}
    payloads = ("userIdentity", "requestParameters", "responseElements", "tlsDetails")
    return {
        **dict.fromkeys((*ids, "vpcEndpointId"), fields.name("value")),
        **dict.fromkeys(("readOnly", "managementEvent"), values.truth),
        **dict.fromkeys(("eventType", "eventCategory"), values.enum),
        **dict.fromkeys((*payloads, "additionalEventData"), values.value),
        "eventVersion": fields.matching(_VERSION),
        "eventTime": values.time,
        "eventSource": fields.word(names.event_source),
        "eventName": fields.word(names.operation),
        "awsRegion": fields.word(names.region),
        "sourceIPAddress": fields.name("address"),
        "userAgent": fields.agent,
        "errorCode": fields.word(names.error),
        "errorMessage": fields.message,
        "resources": fields.each(fields.inside(resource)),
    }


def _row(fields: Fields, record: Table) -> Table:
    """The columns of a table are a record's keys, in small letters."""
    return {
        **{key.lower(): redact for key, redact in record.items()},
        **dict.fromkeys(("arn", "issuerarn", "accountid", "invokedby"), fields.ident),
        "occurrence": fields.values.whole,
    }


# -- EventBridge -----------------------------------------------------------------


def _task_event(fields: Fields) -> Table:
    """`ECS Task State Change`; what else of the task it tells is a payload."""
    values = fields.values
    container = {
        **dict.fromkeys(("containerArn", "taskArn", "name", "runtimeId"), fields.ident),
        **dict.fromkeys(("image", "imageDigest"), fields.ident),
        "lastStatus": values.enum,
        "exitCode": lambda code: values.value(code, "exitCode"),
        "reason": fields.message,
    }
    detail = {
        **dict.fromkeys(("taskArn", "clusterArn", "taskDefinitionArn"), fields.ident),
        **dict.fromkeys(("containerInstanceArn", "group"), fields.ident),
        **dict.fromkeys(_TASK_TIMES, values.time),
        **dict.fromkeys(("lastStatus", "desiredStatus", "stopCode"), values.enum),
        **dict.fromkeys(("launchType", "connectivity"), values.enum),
        **dict.fromkeys(("startedBy", "stoppedReason"), fields.message),
        "availabilityZone": fields.word(fields.names.region),
        "containers": fields.each(fields.inside(container)),
        "version": values.whole,
    }
    return {
        **dict.fromkeys(("id", "account"), fields.ident),
        "version": values.whole,
        "detail-type": fields.one_of((DETAIL_TYPE,)),
        "source": fields.one_of(("aws.ecs",)),
        "time": values.time,
        "region": fields.word(fields.names.region),
        "resources": fields.each(fields.ident),
        "detail": fields.inside(detail),
    }


# -- this tool's own -------------------------------------------------------------


def _health(fields: Fields) -> Table:
    values = fields.values
    return {
        "lane": fields.one_of(("history", "lookup", "children")),
        "source": fields.one_of(
            (
                *("queue", "log-group", "live-tail"),
                *("archive", "athena", "lake", "express", "map-run"),
            )
        ),
        "state": fields.one_of(list(HealthState)),
        "message": fields.message,
        **dict.fromkeys(("complete_to", "until"), values.time),
        **dict.fromkeys(("lag", "retry_in", "requests"), values.number),
    }


def _request(fields: Fields) -> Table:
    names = fields.names
    return {
        "operation": fields.word(names.operation),
        "service": fields.word(names.service),
        "region": fields.word(names.region),
        "sent_at": fields.values.time,
        "outcome": fields.word(names.error),
        "request_id": fields.ident,
        "note": _note(fields),
        **dict.fromkeys(("seconds", "status", "items"), fields.values.number),
    }


def _note(fields: Fields) -> Redact:
    """Keep what this tool says of its requests."""

    def apply(value: Any) -> Any:
        match = _NOTE.fullmatch(value) if isinstance(value, str) else None
        service = (match["service"] if match else None) or ""
        if match and (not service or fields.names.service(service) == service):
            return value
        return fields.message(value)

    return apply
