"""What a Task runs, and by which pattern, as a history or a definition names it."""

import re

from msgspec import Struct

from sfnwatch.model.history_event import Details
from sfnwatch.model.integrations import Integration, Pattern, integration, pattern_of
from sfnwatch.model.values import text_of

_ARN = "arn:"
# An action may have a colon too: `states:startExecution.sync:2`.
_SERVICE_ARN = re.compile(
    r"arn:[^:]*:states:[^:]*:[^:]*:(?P<service>(aws-sdk:)?[^:]+):(?P<action>.+)"
)
_LAMBDA_ARN = re.compile(r"arn:[^:]*:lambda:.+")
_ACTIVITY = "activity"


class TaskResource(Struct, frozen=True):
    """What a Task runs, and by which pattern."""

    pattern: Pattern
    resource_type: str | None = None
    """`ecs`, `aws-sdk:ecs`; None for an activity and for a Lambda function's ARN."""
    resource: str | None = None
    """`runTask.sync`; the ARN of an activity or of a Lambda function."""
    integration: Integration | None = None
    """None for an activity, which calls nothing, and for an unknown resource."""

    @property
    def is_named(self) -> bool:
        return bool(self.resource_type or self.resource)


def resource_of_arn(arn: str) -> TaskResource:
    """Return what a definition's `Resource` ARN names.

    Examples are `arn:aws:states:::ecs:runTask.sync` and
    `arn:aws:states:::aws-sdk:ecs:runTask`. A Lambda function's own ARN means an
    invocation of it. The pattern of anything else is unknown.
    """
    if _LAMBDA_ARN.fullmatch(arn):
        invocation = integration("lambda", "invoke")
        return TaskResource(Pattern.LAMBDA, resource=arn, integration=invocation)
    match = _SERVICE_ARN.fullmatch(arn)
    if match is None:
        return TaskResource(Pattern.UNKNOWN, resource=arn)
    if match["service"] == _ACTIVITY:
        return TaskResource(Pattern.ACTIVITY, resource=arn)
    return _service_resource(match["service"], match["action"])


def resource_of_event(event_type: str, details: Details) -> TaskResource:
    """Return what the details of an attempt's event name.

    AWS writes `resourceType` and `resource` apart. Some emulators of AWS write the ARN
    of the definition as `resource`; then the ARN counts, not the `resourceType`.
    """
    resource_type = text_of(details.get("resourceType"))
    resource = text_of(details.get("resource"))
    if event_type.startswith("Activity"):
        return TaskResource(Pattern.ACTIVITY, resource_type, resource)
    if event_type.startswith("LambdaFunction"):
        invocation = integration("lambda", "invoke")
        return TaskResource(Pattern.LAMBDA, resource_type, resource, invocation)
    if resource is not None and resource.startswith(_ARN):
        return resource_of_arn(resource)
    if not resource_type or not resource:
        return TaskResource(Pattern.UNKNOWN, resource_type, resource)
    return _service_resource(resource_type, resource)


def _service_resource(resource_type: str, resource: str) -> TaskResource:
    pattern = pattern_of(resource_type, resource)
    row = integration(resource_type, resource)
    return TaskResource(pattern, resource_type, resource, row)
