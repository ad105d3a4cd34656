"""What AWS calls things by: ARNs, and the calls of each integration.

ARNs are read in the ways people paste them. History names an integration by
`resourceType` and `resource`: `ecs` and `runTask.sync`, or `aws-sdk:ecs` and `runTask`.
A Lambda function named by its own ARN is an Invoke like the optimized one; an activity
is asked for work and calls nothing.

The table of jobs is from the developer guide's pages on service integrations and their
IAM policies. A row says which API operations start, poll and stop a job. That is not
always the integration's own word: EMR's createCluster is RunJobFlow.

Nor does CloudTrail's Event history show every call: of what it never has, what AWS's
pages on each service's CloudTrail events list is documented, and names that only follow
from a page's general words ("API activity on streams") are marked inferred. A call that
stands nowhere here is taken for a management event.

A definition in the Amazon States Language says what a machine *can* call. The look-up
plan comes from it, so that a machine that only calls Lambda asks CloudTrail nothing
about ECS.
"""

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

import msgspec
from msgspec import Struct, field

from sfnwatch.model.values import list_of, mapping_of, parse_json, text_of, values_at
from sfnwatch.templates import read_template

# -- ARNs ------------------------------------------------------------------------------

_RANDOM = re.compile(r"[0-9a-f-]{32,36}")
_ACCOUNT = re.compile(r"arn:[^:]*:[^:]*:[^:]*:([^:]+):")
_ARN = re.compile(
    r"arn:(?P<partition>aws[a-z-]*):states:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):"
    r"(?P<kind>execution|express|stateMachine|mapRun|activity):(?P<rest>[^\s?&]+)"
)


class StatesArn(Struct, frozen=True):
    """`arn:aws:states:REGION:ACCOUNT:…`, and where what it names is."""

    arn: str
    partition: str
    region: str
    account: str


class ExecutionArn(StatesArn, frozen=True):
    """`…:execution:STATE_MACHINE:NAME`."""

    kind: str
    """`execution`, or `express`, whose history AWS does not keep."""
    state_machine_name: str
    name: str
    """Of an Express execution with its id behind it: its name may be given again."""

    @property
    def is_express(self) -> bool:
        return self.kind == "express"

    @property
    def is_of_map_run(self) -> bool:
        return "/" in self.state_machine_name

    @property
    def state_machine_arn(self) -> str:
        head = f"arn:{self.partition}:states:{self.region}:{self.account}"
        return f"{head}:stateMachine:{self.state_machine_name}"


class StateMachineArn(StatesArn, frozen=True):
    """`…:stateMachine:NAME`, or that of a version of it or an alias.

    ListExecutions lists what was started by either.
    """

    name: str
    """With the label of a Distributed Map after a slash, where the ARN has one."""


class MapRunArn(StatesArn, frozen=True):
    """`…:mapRun:STATE_MACHINE/LABEL:ID`, read loosely."""

    state_machine_name: str
    name: str
    """All that follows the state machine's name."""


class MachineName(Struct, frozen=True):
    """A state machine's name alone: its account and Region are the caller's."""

    name: str


Named = ExecutionArn | StateMachineArn | MapRunArn | MachineName
"""What somebody gives to name an execution, or to have one found."""


def parse_states_arn(text: str) -> ExecutionArn | StateMachineArn | MapRunArn:
    """Find the ARN of an execution, or of what executions are found by, in `text`.

    Of several, as a page of the console may have, it is the first. Raises ValueError,
    whose text says what was found instead.
    """
    match = _ARN.search(unquote(text.strip()))
    if match is None:
        raise ValueError("no ARN of Step Functions in it")
    place = match[0], match["partition"], match["region"], match["account"]
    kind, rest = match["kind"], match["rest"]
    machine, _, name = rest.partition(":")
    if kind == "stateMachine":
        return StateMachineArn(*place, machine)
    if kind == "mapRun":
        machine, _, name = rest.partition("/")
        return MapRunArn(*place, machine, name)
    if kind == "activity":
        raise ValueError("it is the ARN of an activity, not of an execution")
    is_whole = all(name.partition(":")) if kind == "express" else name
    if not is_whole:
        raise ValueError("the execution's name is missing, or not whole")
    return ExecutionArn(*place, kind, machine, name)


def parse_execution_arn(text: str) -> ExecutionArn:
    """Find the execution ARN in `text`: the ARN itself, or a console URL with it.

    Raises ValueError, whose text says what was found instead.
    """
    found = parse_states_arn(text)
    if not isinstance(found, ExecutionArn):
        kind = "stateMachine" if isinstance(found, StateMachineArn) else "mapRun"
        raise ValueError(  # noqa: TRY004 - it is read from a text
            f"it is the ARN of a {kind}, not of an execution"
        )
    return found


def maybe_execution_arn(text: str) -> ExecutionArn | None:
    try:
        return parse_execution_arn(text)
    except ValueError:
        return None


@lru_cache(maxsize=1024)
def role_name(role_arn: str | None) -> str | None:
    """Give the name of a role, from its own ARN or that of one of its sessions.

    `arn:aws:iam::A:role/path/NAME` keeps the path, `arn:aws:sts::A:assumed-role/NAME/
    SESSION` drops it: only the name can be compared.
    """
    if not role_arn:
        return None
    resource = role_arn.split(":", 5)[-1].split("/")
    if resource[0] == "assumed-role" and len(resource) > 1:
        return resource[1]
    return resource[-1] if resource[0] == "role" else None


@lru_cache(maxsize=1024)
def account_of(arn: str | None) -> str | None:
    """Give the account that an ARN names; None for one without."""
    found = _ACCOUNT.match(arn or "")
    return found[1] if found else None


def last_segment(arn: str) -> str:
    """Give what follows the last slash: ECS takes a task's id for its ARN."""
    return arn.rsplit("/", 1)[-1]


def short_id(identifier: str) -> str:
    """Shorten a random id to what tells it apart; keep a name that people chose."""
    last = last_segment(identifier)
    if last.startswith("arn:"):
        last = last.rpartition(":")[2]
    return last[:8] if _RANDOM.fullmatch(last) else last


# -- log groups ------------------------------------------------------------------------

_LOG_GROUP = re.compile(
    r"(?P<head>arn:aws[a-z-]*:logs:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):"
    r"log-group:)?(?P<name>[A-Za-z0-9_/.#-]{1,512})(?P<rest>:\S*)?"
)
"""What follows the name in an ARN, `:*` or a log stream, is no part of it."""


class LogGroupName(Struct, frozen=True):
    """Where a log is; all but the name only where its ARN was given."""

    name: str
    region: str | None = None
    account: str | None = None
    arn: str | None = None
    """Without the `:*` that Step Functions and others write behind it."""


def parse_log_group(text: str) -> LogGroupName:
    """Read the name or the ARN of a log group; raises ValueError, which says why."""
    match = _LOG_GROUP.fullmatch(text.strip())
    if match is None or (match["rest"] and not match["head"]):
        raise ValueError("it is neither the name nor the ARN of a log group")
    arn = match["head"] + match["name"] if match["head"] else None
    return LogGroupName(match["name"], match["region"], match["account"], arn)


# -- integrations ----------------------------------------------------------------------


class Pattern(StrEnum):
    """How a Task state uses the service it calls."""

    SYNC = "sync"
    """`.sync`, `.sync:2`: Run a Job, and wait for it to finish."""
    TASK_TOKEN = "waitForTaskToken"  # noqa: S105 - AWS's name of the pattern
    REQUEST_RESPONSE = "request-response"
    AWS_SDK = "aws-sdk"
    LAMBDA = "lambda"
    """A Lambda function's ARN as the resource, the oldest form."""
    ACTIVITY = "activity"


class CallRole(StrEnum):
    """What a call was for."""

    ACTION = "action"
    POLL = "poll"
    STOP = "stop"
    OTHER = "other"


class Unrecorded(StrEnum):
    """Why Event history has nothing of a call."""

    DATA_EVENT = "data-event"
    """Only a trail that logs data events has it."""
    HTTP = "http"
    """An HTTPS endpoint is called. Step Functions logs InvokeHTTPEndpoint of it, a
    data event that names no role."""
    KUBERNETES = "kubernetes"
    """The cluster's own API is called, which is none of AWS's."""
    NEVER = "never"
    """CloudTrail doesn't log it at all."""


class Integration(Struct, frozen=True):
    """An action of a service, and what CloudTrail shows of it."""

    resource_type: str
    action: str
    event_source: str
    action_event: str
    poll_events: tuple[str, ...] = ()
    stop_events: tuple[str, ...] = ()
    beside: tuple[tuple[str, str], ...] = ()
    """Other calls that go with the action, each an event source and a name."""
    managed_rule: str | None = None
    """The EventBridge rule that tells Step Functions of the end, if there is one."""
    id_paths: tuple[str, ...] = ()
    """Where the job's id lies in the output of the task's own events."""
    id_word: str = "id"
    """What people call that id: `task ARN`, `job id`."""
    stop_key: str | None = None
    """Where the job's own answer says when it stopped, in epoch milliseconds; None
    where no recording shows that it does."""
    starts_job: bool = False
    """True if its action starts something that goes on after the answer."""
    unrecorded: Unrecorded | None = None
    """Why LookupEvents can't show its action; None where it can."""

    @property
    def recorded(self) -> bool:
        """False for data events and for calls that are none of AWS's."""
        return self.unrecorded is None

    @property
    def event_sources(self) -> tuple[str, ...]:
        """The services to ask LookupEvents for on its account."""
        return self._sources(own=self.recorded)

    @property
    def trail_sources(self) -> tuple[str, ...]:
        """The services to ask a trail for: it may be set to log data events too.

        The one of an HTTP task names no role, and so nobody whose it could be.
        """
        return self._sources(own=self.unrecorded in {None, Unrecorded.DATA_EVENT})

    def _sources(self, *, own: bool) -> tuple[str, ...]:
        beside = (source for source, _ in self.beside)
        return (self.event_source, *beside) if own else tuple(beside)

    @property
    def job_word(self) -> str:
        """What people call the job: a task, a build, an execution."""
        return self.id_word.rpartition(" ")[0] or "job"

    def job_ids(self, output: Any) -> Iterator[str]:
        """Yield the job's ids in an output of the task's own events."""
        for path in self.id_paths:
            yield from values_at(output, path)

    def ids_in(self, answer: Any) -> set[str]:
        """Find the job's ids in an answer as CloudTrail writes it: keys begin small.

        Each is there as the bare id at its end, too.
        """
        paths = map(_lowered, self.id_paths)
        found = {value for path in paths for value in values_at(answer, path)}
        return found | set(map(last_segment, found))

    def role_of(self, event_name: str) -> CallRole:
        """What a call of that name is for, where this integration made it."""
        name = unversioned(event_name)
        if name == self.action_event:
            return CallRole.ACTION
        if name in self.poll_events:
            return CallRole.POLL
        return CallRole.STOP if name in self.stop_events else CallRole.OTHER


@lru_cache(maxsize=256)
def _lowered(path: str) -> str:
    return ".".join(part[:1].lower() + part[1:] for part in path.split("."))


def _domain(service: str) -> str:
    return f"{service}.amazonaws.com"


def _job(
    named: str,
    names: str,
    *,
    rule: str = "",
    ids: str = "",
    word: str = "id",
    stop: str | None = None,
) -> Integration:
    """Make a row of the table: lists are words separated by blanks.

    It is `named` as in a history: the `resourceType`, which is the name in CloudTrail,
    and the `resource` without the suffix of its pattern; `names` are the operations:
    `start / look look / stop stop`; `rule` is what the managed EventBridge rule's name
    ends with; `ids` are the paths to the job's id in the output of the task's own
    events: as the optimized integration gives it, and as the operations answer; `word`
    is what people call that id; `stop` the key that says when the job stopped.
    """
    event, polls, stops = (part.split() for part in names.split("/"))
    service, _, action = named.partition(":")
    return Integration(
        resource_type=service,
        action=action,
        event_source=_domain(service),
        action_event=event[0],
        poll_events=tuple(polls),
        stop_events=tuple(stops),
        managed_rule=f"StepFunctionsGetEvent{rule}" if rule else None,
        id_paths=tuple(ids.split()),
        id_word=word,
        stop_key=stop,
        starts_job=True,
    )


def _sagemaker(job: str, rule: str) -> Integration:
    return _job(
        f"sagemaker:create{job}",
        f"Create{job} / Describe{job} / Stop{job}",
        rule=rule,
        ids=f"{job}Arn {job}Name",
        word="job name",
    )


def _codebuild(build: str, builds: str, word: str) -> Integration:
    return _job(
        f"codebuild:start{build}",
        f"Start{build} / BatchGet{builds} / Stop{build}",
        rule=f"ForCodeBuildStart{build}Rule",
        ids=f"{build}.Arn {build}.Id {builds}[].Arn {builds}[].Id",
        word=word,
    )


def _eks(action: str, thing: str, prefix: str = "") -> Integration:
    event = action[0].upper() + action[1:]
    ids = f"{thing}.{prefix}Arn {thing}.{prefix}Name"
    names = f"{event} / Describe{thing} /"
    return _job(f"eks:{action}", names, ids=ids, word="name")


def _emr(
    action: str, event: str, thing: str, stop: str = "", more_ids: str = ""
) -> Integration:
    return _job(
        f"elasticmapreduce:{action}",
        f"{event} / Describe{thing} / {stop}",
        rule=f"ForEMR{event}Rule",
        ids=f"{thing}Id {thing}.Id {more_ids}",
        word=f"{thing.lower()} id",
    )


def _emr_serverless(action: str, stops: str = "") -> Integration:
    event = action[0].upper() + action[1:]
    return _job(
        f"emr-serverless:{action}",
        f"{event} / GetApplication / {stops}",
        rule="sForEMRServerlessApplicationRule",
        # Only createApplication answers with an id; that the state's own output is
        # what GetApplication answered is inferred from the integrations that show it.
        ids="ApplicationId Application.ApplicationId",
        word="application id",
    )


# The rules' names waver between GetEvent and GetEvents, as AWS's own do; those of
# the labeling, processing and Bedrock rules are inferred from their siblings.
JOBS: tuple[Integration, ...] = (
    _job(
        "ecs:runTask",
        "RunTask / DescribeTasks / StopTask",
        rule="sForECSTaskRule",
        ids="Tasks[].TaskArn TaskArn Task.TaskArn",
        word="task ARN",
        stop="StoppedAt",
    ),
    _job(
        "batch:submitJob",
        "SubmitJob / DescribeJobs / TerminateJob",
        rule="sForBatchJobsRule",
        ids="JobId Jobs[].JobId",
        word="job id",
    ),
    _job(
        "glue:startJobRun",
        "StartJobRun / GetJobRun GetJobRuns / BatchStopJobRun",
        ids="JobRunId Id JobRun.Id",
        word="job run id",
    ),
    _job(
        "databrew:startJobRun",
        "StartJobRun / ListJobRuns / StopJobRun",
        ids="RunId",
        word="run id",
    ),
    _codebuild("Build", "Builds", "build id"),
    _codebuild("BuildBatch", "BuildBatches", "build batch id"),
    _sagemaker("TrainingJob", "sForSageMakerTrainingJobsRule"),
    _sagemaker("TransformJob", "sForSageMakerTransformJobsRule"),
    _sagemaker("HyperParameterTuningJob", "sForSageMakerTuningJobsRule"),
    _sagemaker("LabelingJob", "sForSageMakerLabelingJobsRule"),
    _sagemaker("ProcessingJob", "sForSageMakerProcessingJobsRule"),
    _emr("createCluster", "RunJobFlow", "Cluster", "TerminateJobFlows", "JobFlowId"),
    _emr("addStep", "AddJobFlowSteps", "Step", "CancelSteps", "StepIds[]"),
    _emr("terminateCluster", "TerminateJobFlows", "Cluster"),
    _job(
        "emr-containers:startJobRun",
        "StartJobRun / DescribeJobRun / CancelJobRun",
        ids="Id JobRun.Id",
        word="job run id",
    ),
    _job(
        "emr-serverless:startJobRun",
        "StartJobRun / GetJobRun / CancelJobRun",
        rule="sForEMRServerlessJobRule",
        ids="JobRunId JobRun.JobRunId",
        word="job run id",
    ),
    _emr_serverless("createApplication", "StopApplication DeleteApplication"),
    _emr_serverless("startApplication", "StopApplication"),
    _emr_serverless("stopApplication"),
    _emr_serverless("deleteApplication"),
    _eks("createCluster", "Cluster"),
    _eks("deleteCluster", "Cluster"),
    _eks("createNodegroup", "Nodegroup", "Nodegroup"),
    _eks("deleteNodegroup", "Nodegroup", "Nodegroup"),
    _eks("createFargateProfile", "FargateProfile", "FargateProfile"),
    _eks("deleteFargateProfile", "FargateProfile", "FargateProfile"),
    _job(
        "athena:startQueryExecution",
        "StartQueryExecution / GetQueryExecution / StopQueryExecution",
        ids="QueryExecutionId QueryExecution.QueryExecutionId",
        word="query id",
    ),
    _job(
        "states:startExecution",
        "StartExecution / DescribeExecution / StopExecution",
        rule="sForStepFunctionsExecutionRule",
        ids="ExecutionArn",
        word="execution ARN",
        stop="StopDate",
    ),
    _job(
        "mediaconvert:createJob",
        "CreateJob / GetJob / CancelJob",
        rule="sForMediaConvertJobRule",
        ids="Job.Id Job.Arn",
        word="job id",
    ),
    _job(
        "bedrock:createModelCustomizationJob",
        "CreateModelCustomizationJob / GetModelCustomizationJob"
        " / StopModelCustomizationJob",
        rule="sForBedrockRule",
        ids="JobArn",
        word="job ARN",
    ),
)


# -- what Event history never shows ----------------------------------------------------

_NOT_AWS = {
    ("http", "Invoke"): Unrecorded.HTTP,
    ("eks", "RunJob"): Unrecorded.KUBERNETES,
    ("eks", "Call"): Unrecorded.KUBERNETES,
    # A customer's own API is called: API Gateway logs its control plane only.
    ("apigateway", "Invoke"): Unrecorded.NEVER,
    # Not among the actions that the Logs guide says are logged.
    ("logs", "PutLogEvents"): Unrecorded.NEVER,
}

_UNLOGGED = frozenset({"execute-api"})
"""Services of which nothing is logged: those that call a customer's own API
[inferred from API Gateway's page, which has its control plane only]."""


def unrecorded(service: str, event_name: str) -> Unrecorded | None:
    """Say why Event history has nothing of a call; None for a management event.

    `service` is what it is called in CloudTrail, without the domain.
    """
    call = (service, event_name)
    if service in _UNLOGGED:
        return Unrecorded.NEVER
    is_data = event_name in sdk_services().data_events.get(service, ())
    return _NOT_AWS.get(call) or (Unrecorded.DATA_EVENT if is_data else None)


# -- the rows of names in a history, and of calls --------------------------------------


class SdkServices(Struct):
    """The AWS SDK for Java's names of services: see `templates/sdk_services.json`."""

    event_sources: Mapping[str, str]
    """To what CloudTrail calls the service, without the domain: `sfn` to `states`."""
    home_regions: Mapping[str, Mapping[str, str]]
    """Of the global ones, by partition, where their calls are recorded. Documented for
    us-east-1; the others are where requests are signed for [inferred]."""
    event_names: Mapping[str, Mapping[str, str]]
    """Operations of the SDK's services that CloudTrail has by another name."""
    data_events: Mapping[str, frozenset[str]]
    """By what CloudTrail calls the service, what only a trail for data events has."""


@lru_cache(maxsize=1)
def sdk_services() -> SdkServices:
    """Read the table, which a command of the tests makes from botocore's models."""
    return msgspec.json.decode(read_template("sdk_services.json"), type=SdkServices)


def home_region(resource_type: str, partition: str) -> str | None:
    """Find where the calls of an SDK integration are recorded.

    None for most, whose calls are recorded in the Region they are made in.
    """
    homes = sdk_services().home_regions.get(resource_type.removeprefix("aws-sdk:"), {})
    return homes.get(partition)


_HTTP = Integration(
    resource_type="http",
    action="invoke",
    event_source=_domain("states"),
    action_event="InvokeHTTPEndpoint",
    # What authorises the request lies in the EventBridge connection's secret, and the
    # role reads that: all that Event history has of an HTTP task.
    beside=((_domain("secretsmanager"), "GetSecretValue"),),
    unrecorded=Unrecorded.HTTP,
)
_BY_ACTION = {(row.resource_type, row.action): row for row in (*JOBS, _HTTP)}
_RUN_JOB = ("eks", "runJob")
"""A job too, though Kubernetes runs it: no API of AWS's tells of it."""
_SDK = "aws-sdk"
_VERSION = re.compile(r"\d{8}(v\d+)?$")


@lru_cache(maxsize=1024)
def unversioned(event_name: str) -> str:
    """Drop the API version some services append: `GetFunction20150331v2`."""
    return _VERSION.sub("", event_name)


def pattern_of(resource_type: str, resource: str) -> Pattern:
    """Tell the pattern of a Task from its own event's two names."""
    suffix = _suffix(resource)
    if suffix == "waitForTaskToken":
        return Pattern.TASK_TOKEN
    if suffix.startswith("sync"):
        return Pattern.SYNC
    if resource_type.partition(":")[0] == _SDK:
        return Pattern.AWS_SDK
    return Pattern.REQUEST_RESPONSE


def _suffix(resource: str) -> str:
    return resource.partition(".")[2]


@lru_cache(maxsize=1024)
def integration(resource_type: str, resource: str) -> Integration:
    """Find the row of `resourceType` and `resource`, or make one for a plain call.

    An action outside the table is called and no more: its event has its name with
    a capital, and there is nothing to poll; a `.sync` that is not in it runs some job
    all the same. An `aws-sdk:` call borrows the ids of the optimized row, but neither
    its polls nor its rule; so does one that asks for the job, or stops it.
    """
    sdk, service, action = _names(resource_type, resource)
    optimized = None if sdk else _BY_ACTION.get((service, action))
    if optimized is not None:
        return optimized
    source, event = service, action[:1].upper() + action[1:]
    if sdk:
        source = sdk_services().event_sources.get(service, service)
        event = sdk_services().event_names.get(service, {}).get(event, event)
    twin = next(iter(jobs_of_call(_domain(source), event)), None)
    return Integration(
        resource_type=resource_type,
        action=action,
        event_source=_domain(source),
        action_event=event,
        id_paths=twin.id_paths if twin else (),
        id_word=twin.id_word if twin else "id",
        starts_job=(service, action) == _RUN_JOB
        or _suffix(resource).startswith("sync")
        or (twin is not None and twin.action_event == event),
        unrecorded=unrecorded(source, event),
    )


def _names(resource_type: str, resource: str) -> tuple[bool, str, str]:
    """Split the two names: whether it is the SDK's, the service, the action.

    Step Functions Local says `aws-sdk` and `dynamodb:createTable`.
    """
    action = resource.partition(".")[0]
    kind, _, service = resource_type.partition(":")
    if kind != _SDK:
        return False, resource_type, action
    if not service:
        service, _, action = action.rpartition(":")
    return True, service, action


@lru_cache(maxsize=1024)
def jobs_of_call(event_source: str, event_name: str) -> tuple[Integration, ...]:
    """Give the integrations that start, poll or stop their job by such a call."""
    rows = (row for row in JOBS if row.event_source == event_source)
    return tuple(row for row in rows if row.role_of(event_name) is not CallRole.OTHER)


@lru_cache(maxsize=1024)
def usual_role(event_source: str, event_name: str) -> CallRole:
    """Tell what a call usually is for, with nothing known but its name."""
    jobs = jobs_of_call(event_source, event_name)
    roles = {row.role_of(event_name) for row in jobs}
    return next((role for role in CallRole if role in roles), CallRole.OTHER)


# -- what a definition can call --------------------------------------------------------

# An action may have a colon too: `states:startExecution.sync:2`.
_OPTIMISED = re.compile(
    r"arn:[^:]*:states:[^:]*:[^:]*:(?P<service>(aws-sdk:)?[^:]+):(?P<action>.+)"
)
_LAMBDA = re.compile(r"arn:[^:]*:lambda:.+")


class DefinedTask(Struct, frozen=True):
    """A Task of the definition and the integration it names."""

    integration: Integration | None
    """None for activities, which are asked for work and call nothing."""
    role_arn: str | None = None
    """The role of its `Credentials`, where that is a fixed string."""


class Definition(Struct, frozen=True):
    """What is read from a definition."""

    tasks: tuple[DefinedTask, ...] = ()
    branches: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """A Parallel state's name to the first states of its branches, in order."""


@lru_cache(maxsize=256)
def parse_definition(text: str | None) -> Definition:
    """Read a definition's JSON text; what can't be read is not there.

    An execution that is watched has the same one each time it is asked.
    """
    tasks: list[DefinedTask] = []
    branches: dict[str, tuple[str, ...]] = {}
    for name, state in states_of(text):
        resource = text_of(state.get("Resource"))
        if state.get("Type") == "Task" and resource:
            role = text_of(mapping_of(state.get("Credentials")).get("RoleArn"))
            tasks.append(DefinedTask(resource_integration(resource), role))
        if state.get("Type") == "Parallel":
            machines = map(mapping_of, list_of(state.get("Branches")))
            starts = (text_of(machine.get("StartAt")) for machine in machines)
            branches[name] = tuple(start or "" for start in starts)
    return Definition(tuple(tasks), branches)


def states_of(text: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield every state, those of branches and iterations too, outermost first."""
    machines = [mapping_of(parse_json(text))]
    while machines:
        states = mapping_of(machines.pop(0).get("States"))
        for name, value in states.items():
            state = mapping_of(value)
            yield name, state
            # Iterator is the older name of ItemProcessor.
            iterated = state.get("ItemProcessor"), state.get("Iterator")
            machines += map(mapping_of, (*list_of(state.get("Branches")), *iterated))


def resource_integration(resource: str) -> Integration | None:
    """Find the integration a `Resource` ARN names.

    `arn:aws:states:::ecs:runTask.sync` and `arn:aws:states:::aws-sdk:ecs:runTask`
    name one; an activity is asked for work and calls nothing. A Lambda function's
    own ARN is an invocation of it.
    """
    if _LAMBDA.fullmatch(resource):
        return integration("lambda", "invoke")
    match = _OPTIMISED.fullmatch(resource)
    if match is None or match["service"] == "activity":
        return None
    return integration(match["service"], match["action"])
