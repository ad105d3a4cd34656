"""What Step Functions calls for each integration, and what CloudTrail shows of it.

A history names an integration by `resourceType` and `resource`: `ecs` and
`runTask.sync`, or `aws-sdk:ecs` and `runTask`. A Lambda function named by its own ARN
is an Invoke like the optimized one; an activity is asked for work and calls nothing.

The table of jobs is from the developer guide's pages on service integrations and their
IAM policies. A row says which API operations start, poll and stop a job. That is not
always the integration's own word: EMR's createCluster is RunJobFlow.

Nor does CloudTrail's Event history show every call: of what it never has, what AWS's
pages on each service's CloudTrail events list is documented, and names that only follow
from a page's general words ("API activity on streams") are marked inferred. A call that
stands nowhere here is taken for a management event.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Struct

from sfnwatch.model.arns import last_segment, unversioned
from sfnwatch.model.values import values_at
from sfnwatch.templates import read_template


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
    source = service
    event = action[:1].upper() + action[1:]
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
