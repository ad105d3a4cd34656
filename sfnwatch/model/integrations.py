"""What Step Functions calls for each integration, and what CloudTrail shows of it.

A history names an integration by `resourceType` and `resource`: `ecs` and
`runTask.sync`, or `aws-sdk:ecs` and `runTask`. A Lambda function named by its own ARN
is an Invoke like the optimized integration. An activity waits for a worker to ask for
work, and calls nothing.

The table of jobs is from the developer guide's pages on service integrations and their
IAM policies. A row has the API operations that start, poll and stop a job. They may
differ from the integration's own name: EMR's createCluster is RunJobFlow.

CloudTrail's Event history does not show every call. A call that it never shows is
documented where AWS's page on the service's CloudTrail events lists it. A call that
only follows from a page's general words ("API activity on streams") is marked inferred.
A call that is listed nowhere here is taken for a management event.
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
    """`.sync`, `.sync:2`: run a job, and wait for it to finish."""
    TASK_TOKEN = "waitForTaskToken"  # noqa: S105 - AWS's name of the pattern
    REQUEST_RESPONSE = "request-response"
    AWS_SDK = "aws-sdk"
    LAMBDA = "lambda"
    """A Lambda function's ARN as the resource: the oldest form."""
    ACTIVITY = "activity"
    UNKNOWN = "unknown"
    """The history names no resource, or one in a form that is not known."""


class CallRole(StrEnum):
    """What an attempt made a call for."""

    ACTION = "action"
    POLL = "poll"
    STOP = "stop"
    OTHER = "other"


class Unrecorded(StrEnum):
    """Why Event history does not have a call."""

    DATA_EVENT = "data-event"
    """Only a trail that logs data events has the call."""
    HTTP = "http"
    """An HTTPS endpoint is called. Step Functions logs the call as InvokeHTTPEndpoint,
    a data event that names no role."""
    KUBERNETES = "kubernetes"
    """The cluster's own API is called, which is not an API of AWS."""
    NEVER = "never"
    """CloudTrail doesn't log the call at all."""


class Integration(Struct, frozen=True):
    """An action of a service, its job, and what CloudTrail shows of its calls."""

    resource_type: str
    action: str
    event_source: str
    action_event: str
    poll_events: tuple[str, ...] = ()
    stop_events: tuple[str, ...] = ()
    beside: tuple[tuple[str, str], ...] = ()
    """Other calls made together with the action, each an event source and a name."""
    managed_rule: str | None = None
    """The EventBridge rule that reports the job's end to Step Functions; else None."""
    id_paths: tuple[str, ...] = ()
    """The paths to the job's id in the output of the task's own events."""
    id_word: str = "id"
    """What people call that id: `task ARN`, `job id`."""
    stop_key: str | None = None
    """The key in the job's own answer for the time it stopped, in epoch milliseconds;
    None where no recording shows such a key."""
    starts_job: bool = False
    """True if the action starts something that goes on after the answer."""
    unrecorded: Unrecorded | None = None
    """Why LookupEvents can't show the action's call; None where it can."""

    @property
    def recorded(self) -> bool:
        """True if LookupEvents can show the action's call."""
        return self.unrecorded is None

    @property
    def event_sources(self) -> tuple[str, ...]:
        """The event sources to ask LookupEvents for because of this integration."""
        return self._sources(own=self.recorded)

    @property
    def trail_sources(self) -> tuple[str, ...]:
        """The event sources to ask a trail for, which may log data events too.

        The data event of an HTTP task is left out: it names no role, so it can't be
        matched to an attempt.
        """
        return self._sources(own=self.unrecorded in {None, Unrecorded.DATA_EVENT})

    def _sources(self, *, own: bool) -> tuple[str, ...]:
        beside = (source for source, _ in self.beside)
        return (self.event_source, *beside) if own else tuple(beside)

    @property
    def job_word(self) -> str:
        """What people call the job: `task`, `build`, `execution`."""
        return self.id_word.rpartition(" ")[0] or "job"

    def job_ids(self, output: Any) -> Iterator[str]:
        """Yield the job's ids in an output of the task's own events."""
        for path in self.id_paths:
            yield from values_at(output, path)

    def ids_in(self, answer: Any) -> set[str]:
        """Return the job's ids in an answer as CloudTrail writes it.

        There, keys begin with a small letter. For each id its last segment is returned
        too, since an ARN ends with the bare id.
        """
        paths = map(_lowered, self.id_paths)
        found = {value for path in paths for value in values_at(answer, path)}
        return found | set(map(last_segment, found))

    def role_of(self, event_name: str) -> CallRole:
        """Return what a call of that name is for, if this integration made it."""
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
    """Return a row of the table of jobs; lists are given as words with blanks between.

    `named` is the name in a history: the `resourceType`, which is the service's name in
    CloudTrail too, and the `resource` without the suffix of its pattern. `names` are
    the operations: `start / poll poll / stop stop`. `rule` is the end of the managed
    EventBridge rule's name. `ids` are the paths to the job's id in the output of the
    task's own events, both as the optimized integration writes it and as the operations
    return it. `word` is what people call that id. `stop` is the key for the time when
    the job stopped.
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
        # Only createApplication returns an id. That the state's own output is the
        # answer of GetApplication is inferred from the integrations that show this.
        ids="ApplicationId Application.ApplicationId",
        word="application id",
    )


# The rules' names have GetEvent or GetEvents, as AWS's own names do. The names of the
# labeling, processing and Bedrock rules are inferred from similar rules.
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
    # A customer's own API is called; API Gateway logs only its control plane.
    ("apigateway", "Invoke"): Unrecorded.NEVER,
    # It is not among the actions that are logged according to the Logs guide.
    ("logs", "PutLogEvents"): Unrecorded.NEVER,
}

_UNLOGGED = frozenset({"execute-api"})
"""Services without any logged calls: they call a customer's own API [inferred from API
Gateway's page, which has only its control plane]."""


def unrecorded(service: str, event_name: str) -> Unrecorded | None:
    """Return why Event history does not have a call; None for a management event.

    `service` is the service's name in CloudTrail, without the domain.
    """
    call = (service, event_name)
    if service in _UNLOGGED:
        return Unrecorded.NEVER
    is_data = event_name in sdk_services().data_events.get(service, ())
    return _NOT_AWS.get(call) or (Unrecorded.DATA_EVENT if is_data else None)


class SdkServices(Struct):
    """The AWS SDK for Java's names of services: see `templates/sdk_services.json`."""

    event_sources: Mapping[str, str]
    """CloudTrail's name of each service, without the domain: `sfn` is `states`."""
    home_regions: Mapping[str, Mapping[str, str]]
    """The Region where a global service's calls are recorded, by service and partition.
    us-east-1 is documented. In other partitions it is the Region that requests are
    signed for [inferred]."""
    event_names: Mapping[str, Mapping[str, str]]
    """By service, the operations that have another name in CloudTrail, and that name.
    """
    data_events: Mapping[str, frozenset[str]]
    """By the service's name in CloudTrail, the operations that are data events."""


@lru_cache(maxsize=1)
def sdk_services() -> SdkServices:
    """Return the table; a command of the tests makes it from botocore's models."""
    return msgspec.json.decode(read_template("sdk_services.json"), type=SdkServices)


def home_region(resource_type: str, partition: str) -> str | None:
    """Return the Region where the calls of a global service are recorded.

    None for other services: their calls are recorded in the Region they are made in.
    """
    homes = sdk_services().home_regions.get(resource_type.removeprefix("aws-sdk:"), {})
    return homes.get(partition)


_HTTP = Integration(
    resource_type="http",
    action="invoke",
    event_source=_domain("states"),
    action_event="InvokeHTTPEndpoint",
    # The credentials of the request are in the secret of the EventBridge connection.
    # The role reads that secret, the only call of an HTTP task in Event history.
    beside=((_domain("secretsmanager"), "GetSecretValue"),),
    unrecorded=Unrecorded.HTTP,
)
_BY_ACTION = {(row.resource_type, row.action): row for row in (*JOBS, _HTTP)}
_RUN_JOB = ("eks", "runJob")
"""A job that Kubernetes runs: no API of AWS shows it, so it has no row in the table."""
_SDK = "aws-sdk"


def pattern_of(resource_type: str, resource: str) -> Pattern:
    """Return the pattern of a Task from the two names in its …Scheduled event."""
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
    """Return the table's row for a `resourceType` and `resource`, or make a new one.

    An action outside the table is a plain call: its event name is the action with a
    capital letter, and there are no polls. With `.sync` it starts some job all the
    same. An `aws-sdk:` call gets the ids of the job's row, but not its polls or rule.
    So does a call that polls or stops a job.
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
    """Return whether the SDK is called, the service and the action.

    Step Functions Local writes `aws-sdk` and `dynamodb:createTable`.
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
    """Return the integrations that start, poll or stop their job with such a call."""
    rows = (row for row in JOBS if row.event_source == event_source)
    return tuple(row for row in rows if row.role_of(event_name) is not CallRole.OTHER)


@lru_cache(maxsize=1024)
def usual_role(event_source: str, event_name: str) -> CallRole:
    """Return what a call is usually for, if only its name is known."""
    jobs = jobs_of_call(event_source, event_name)
    roles = {row.role_of(event_name) for row in jobs}
    return next((role for role in CallRole if role in roles), CallRole.OTHER)
