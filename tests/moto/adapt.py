"""Makes moto's interpreter behave as AWS's does, and has each call say who makes it.

moto runs any state machine, and its tasks make their calls over HTTP. Each change here
stands with the fact about AWS that asks for it.
"""

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from importlib import import_module
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import boto3
import botocore.session
from botocore.exceptions import ClientError
from moto.core.config import default_user_config
from moto.ecs import models as ecs_models
from moto.moto_api import state_manager

MAKER = "X-States-Maker"
"""The header in which a task's call says which attempt of which state makes it."""
EVENT = "event"
"""What it says where moto has to ask for what an event tells AWS."""


def _moto(module: str) -> Any:
    """Import a module of the interpreter; they lie deep, and none is typed."""
    return import_module(f"moto.stepfunctions.parser.{module}")


_STATE = "asl.component.state.exec.state_task"
_SERVICE = f"{_STATE}.service.state_task_service"
_TASK = _moto(_SERVICE).StateTaskService
_SDK = _moto(f"{_SERVICE}_aws_sdk").StateTaskServiceAwsSdk
_ECS = _moto(f"{_SERVICE}_ecs").StateTaskServiceEcs
_EVENTS = _moto("asl.eval.event.event_manager").EventManager
_BACKEND = _moto("models").StepFunctionsParserBackend
_ERRORS = "asl.component.common.error_name"
_Error = _moto(f"{_ERRORS}.error_name").ErrorName
_failing = _moto(f"{_ERRORS}.failure_event")
_snake = _moto("utils").camel_to_snake_case

_here = threading.local()
"""Of a task's thread: its environment, its last …Scheduled event and answer."""
_making = threading.Lock()


def install(endpoint_url: str) -> None:
    """Change the interpreter; its tasks' calls go to `endpoint_url`."""
    default_user_config["stepfunctions"]["execute_state_machine"] = True
    _say_who_calls(endpoint_url)
    # ASL's parameters and outputs are in Pascal case, whatever the service's own are
    # [every recorded history]: moto has converters, but calls them nowhere.
    _TASK._normalise_parameters = _to_service
    _TASK._normalise_response = _from_service
    _run_tasks()
    _around(_BACKEND, "start_execution", _start_execution)


def _around(owner: Any, name: str, outer: Callable[..., Any]) -> None:
    """Wrap a method in a function, which is given the method, then its arguments."""
    inner = getattr(owner, name)
    setattr(owner, name, lambda self, *a, **k: outer(inner, self, *a, **k))


def _start_execution(inner: Any, self: Any, arn: str, name: Any, *more: Any) -> Any:
    # Without a name AWS takes a UUID; moto calls them all None.
    return inner(self, arn, name or str(uuid4()), *more)


def _say_who_calls(endpoint_url: str) -> None:
    def client(**known: Any) -> Any:
        # moto's own goes to "localhost", which may be ::1 and somebody else's. And
        # a session can't make two clients at once.
        with _making:
            made = boto3.client(**{**known, "endpoint_url": endpoint_url})
        made.meta.events.register("before-call", _sign)
        made.meta.events.register("after-call", _note)
        return made

    _moto("asl.utils.boto_client").boto3 = SimpleNamespace(client=client)
    _around(_TASK, "_eval_execution", _evaluate)
    _around(_EVENTS, "add_event", _add_event)


def _evaluate(inner: Any, self: Any, env: Any) -> None:
    _here.env = env
    context = env.states.context_object
    if "Task" in context.context_object_data:
        # An attempt waits for its own job and token: moto's second one finds what
        # the first has closed, and times out at once.
        env.callback_pool_manager.add(context.update_task_token())
    inner(self, env)


def _add_event(inner: Any, self: Any, **named: Any) -> int:
    event_id: int = inner(self, **named)
    if named["event_type"] == "TaskScheduled":
        _here.scheduled = event_id
    return event_id


def _sign(params: dict[str, Any], **_: Any) -> None:
    context = _here.env.states.context_object.context_object_data
    role_arn = _here.env.aws_execution_details.role_arn
    maker = {"execution": context["Execution"]["Id"], "role": role_arn}
    state = {"state": context["State"]["Name"], "attempt": _here.scheduled}
    told = EVENT if getattr(_here, "by_event", False) else {**maker, **state}
    params["headers"][MAKER] = json.dumps(told)


def _note(parsed: dict[str, Any], **_: Any) -> None:
    _here.answer = parsed["ResponseMetadata"]


@lru_cache
def _operations(service: str) -> dict[str, Any]:
    model = botocore.session.get_session().get_service_model(service)
    return {_snake(name): model.operation_model(name) for name in model.operation_names}


def _operation(task: Any, names: dict[str, str | None]) -> Any:
    found = _operations(task._get_boto_service_name(names.get("boto_service_name")))
    return found[task._get_boto_service_action(names.get("service_action_name"))]


def _to_service(self: Any, parameters: Any, **names: Any) -> None:
    shape = _operation(self, names).input_shape
    if shape is not None:
        self._to_boto_request(parameters, shape)


def _from_service(self: Any, response: Any, **names: Any) -> None:
    shape = _operation(self, names).output_shape
    if shape is not None:
        self._from_boto_response(response, shape)
    if self.resource.service_name == "aws-sdk" or not isinstance(response, dict):
        return
    _in_ms(response)
    # Optimized integrations tell the request's id, but events:putEvents does not;
    # nor do aws-sdk ones, or what a poll finds at the end [recorded, both].
    polled = names.get("service_action_name")
    if not polled and self.resource.service_name != "events":
        response.update(_metadata(_here.answer))


def _in_ms(value: Any) -> Any:
    """Put times as optimized integrations do [recorded]: epoch milliseconds."""
    if isinstance(value, datetime):
        return int(value.timestamp() * 1000)
    for key in value if isinstance(value, dict) else range(0):
        value[key] = _in_ms(value[key])
    return [_in_ms(item) for item in value] if isinstance(value, list) else value


def _metadata(answer: dict[str, Any]) -> dict[str, Any]:
    request_id = answer["RequestId"]
    http = {
        "AllHttpHeaders": {"x-amzn-RequestId": [request_id]},
        "HttpHeaders": {"x-amzn-RequestId": request_id},
        "HttpStatusCode": answer["HTTPStatusCode"],
    }
    return {"SdkHttpMetadata": http, "SdkResponseMetadata": {"RequestId": request_id}}


def _run_tasks() -> None:
    # moto asks DescribeTasks at once after RunTask. What AWS's history holds is the
    # answer of RunTask [recorded], and the first poll comes a minute later [recorded].
    _ECS._eval_service_task = _SDK._eval_service_task
    _around(_ECS, "_build_sync_resolver", _resolver)
    _around(_ECS, "_from_error", _ecs_error)
    _around(ecs_models.Task, "__init__", _task)
    _around(ecs_models.Task, "advance", _advance)
    # A task moves on by one status each time it is described: a `.sync` polls it
    # four times. AWS does so about once a minute [recorded]; here time is short.
    _moto(f"{_SERVICE}_callback")._DELAY_SECONDS_SYNC_CONDITION_CHECK = 0.25
    state_manager.set_transition("ecs::task", {"progression": "manual", "times": 1})


def _resolver(inner: Any, self: Any, env: Any, **named: Any) -> Callable[[], Any]:
    resolve = inner(self, env=env, **named)

    def resolved() -> Any:
        try:
            task = resolve()
        except ClientError:
            # Who may not poll learns of the end by an event [documented].
            _here.by_event = True
            task = resolve()
        finally:
            _here.by_event = False
        # A `.sync` fails with its task, and the cause is the task [recorded]. moto
        # looks at no exit code.
        if task and any(each.get("ExitCode") for each in task["Containers"]):
            event = _failure(self, env, "States.TaskFailed", json.dumps(task))
            raise _failing.FailureEventException(event)
        return task

    return resolved


def _ecs_error(inner: Any, self: Any, env: Any, ex: Exception) -> Any:
    if not isinstance(ex, ClientError):
        return inner(self, env=env, ex=ex)
    # As Lambda's cause is recorded; for ECS it is inferred. moto gives no id.
    error, metadata = ex.response["Error"], ex.response["ResponseMetadata"]
    cause = (
        f"{error['Message']} (Service: AmazonECS;"
        f" Status Code: {metadata['HTTPStatusCode']}; Error Code: {error['Code']};"
        f" Request ID: {metadata['RequestId']}; Proxy: null)"
    )
    return _failure(self, env, f"ECS.{error['Code']}", cause)


def _failure(task: Any, env: Any, error: str, cause: str) -> Any:
    resource, kind = task._get_sfn_resource(), task._get_sfn_resource_type()
    failed = {"error": error, "cause": cause, "resource": resource}
    return _failing.FailureEvent(
        env=env,
        error_name=_Error(error),
        event_type=_moto("api").HistoryEventType.TaskFailed,
        event_details={"taskFailedEventDetails": {**failed, "resourceType": kind}},
    )


def _task(inner: Any, self: Any, *given: Any, **named: Any) -> None:
    """Have the command `exit N` end with N: moto's containers run nothing."""
    inner(self, *given, **named)
    for container in self.containers:
        container.task_arn = self.task_arn  # [recorded]; moto's is the definition's
        if container.command and container.command[0] == "exit":
            container.exitCode = int(container.command[1])


def _advance(inner: Any, self: Any) -> None:
    """Say when and why a task stopped, as ECS does [recorded]."""
    inner(self)
    if self.status == "STOPPED" and not hasattr(self, "stopped_at"):
        self.stopped_at = datetime.now(UTC)
        self.stop_code = "EssentialContainerExited"
        self.stopped_reason = "Essential container in task exited"
