"""Every operation that the simulated account answers, by its name."""

from collections.abc import Callable
from typing import Any

import msgspec

from sfnwatch.demo import cloudtrail, step_functions, task_queue
from sfnwatch.demo.account import Account
from sfnwatch.demo.aws_error import AwsError
from sfnwatch.demo.formats import Json


class DemoOperation(msgspec.Struct, frozen=True):
    service: str
    """As in the service's domain."""
    parameters: type[msgspec.Struct]
    answer: Callable[[Account, Any], Json]
    """Answers the account's client; raises AwsError."""

    def perform(self, account: Account, body: bytes) -> Json:
        """Answer a request's body; raises AwsError for what has not its types too."""
        try:
            request = msgspec.json.decode(body or b"{}", type=self.parameters)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise AwsError("SerializationException", str(error)) from error
        return self.answer(account, request)


def _states(answer: Callable[[Account, Any], Json]) -> DemoOperation:
    return DemoOperation("states", step_functions.StatesRequest, answer)


def _sqs(answer: Callable[[Account, Any], Json]) -> DemoOperation:
    return DemoOperation("sqs", task_queue.QueueRequest, answer)


OPERATIONS = {
    "DescribeExecution": _states(step_functions.describe_execution),
    "DescribeMapRun": _states(step_functions.describe_map_run),
    "DescribeStateMachineForExecution": _states(
        step_functions.describe_state_machine_for_execution
    ),
    "GetExecutionHistory": _states(step_functions.get_execution_history),
    "ListExecutions": _states(step_functions.list_executions),
    "ListMapRuns": _states(step_functions.list_map_runs),
    "ListStateMachines": _states(step_functions.list_state_machines),
    "LookupEvents": DemoOperation(
        "cloudtrail", cloudtrail.LookupRequest, cloudtrail.lookup_events
    ),
    "GetQueueAttributes": _sqs(task_queue.get_queue_attributes),
    "ReceiveMessage": _sqs(task_queue.receive_message),
    "DeleteMessageBatch": _sqs(task_queue.delete_message_batch),
}
