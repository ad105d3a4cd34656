"""What Step Functions calls for each of its integrations.

History names one by `resourceType` and `resource`: `ecs` and `runTask.sync`, or
`aws-sdk:ecs` and `runTask`. A Lambda function named by its own ARN is an Invoke like
the optimized one; an activity is asked for work and calls nothing.

The table of jobs is from the developer guide's pages on service integrations and their
IAM policies. A row says which API operations start, poll and stop a job. That is not
always the integration's own word: EMR's createCluster is RunJobFlow.
"""

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple

import msgspec
from msgspec import Struct

from sfnwatch.next.model.unrecorded import EVENT_NAMES, Unrecorded, unrecorded


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

    def role_of(self, event_name: str) -> CallRole:
        """What a call of that name is for, where this integration made it."""
        name = unversioned(event_name)
        if name == self.action_event:
            return CallRole.ACTION
        if name in self.poll_events:
            return CallRole.POLL
        return CallRole.STOP if name in self.stop_events else CallRole.OTHER


class _Job(NamedTuple):
    """One row of the table, as words separated by blanks."""

    service: str
    """History's `resourceType`, and the service's name in CloudTrail."""
    action: str
    """History's `resource`, without the suffix of its pattern."""
    names: str
    """The operations: `start / look look / stop stop`."""
    rule: str = ""
    """What the managed EventBridge rule's name ends with."""
    ids: str = ""
    """The paths to the job's id in the output of the task's own events: as the
    optimised integration gives it, and as the operations themselves answer."""
    word: str = "id"
    """What people call that id."""
    stop: str | None = None
    """The key that says when the job stopped, where a recording shows it."""


def _sagemaker(job: str, rule: str) -> _Job:
    return _Job(
        "sagemaker",
        f"create{job}",
        f"Create{job} / Describe{job} / Stop{job}",
        rule=rule,
        ids=f"{job}Arn {job}Name",
        word="job name",
    )


def _eks(action: str, thing: str, prefix: str = "") -> _Job:
    event = action[0].upper() + action[1:]
    ids = f"{thing}.{prefix}Arn {thing}.{prefix}Name"
    return _Job("eks", action, f"{event} / Describe{thing} /", ids=ids, word="name")


def _emr_serverless(action: str, stops: str = "") -> _Job:
    event = action[0].upper() + action[1:]
    return _Job(
        "emr-serverless",
        action,
        f"{event} / GetApplication / {stops}",
        rule="sForEMRServerlessApplicationRule",
        # Only createApplication answers with an id; that the state's own output is
        # what GetApplication answered is inferred from the integrations that show it.
        ids="ApplicationId Application.ApplicationId",
        word="application id",
    )


# The rules' names waver between GetEvent and GetEvents, as AWS's own do; those of
# the labeling, processing and Bedrock rules are inferred from their siblings.
_JOBS: tuple[_Job, ...] = (
    _Job(
        "ecs",
        "runTask",
        "RunTask / DescribeTasks / StopTask",
        rule="sForECSTaskRule",
        ids="Tasks[].TaskArn TaskArn Task.TaskArn",
        word="task ARN",
        stop="StoppedAt",
    ),
    _Job(
        "batch",
        "submitJob",
        "SubmitJob / DescribeJobs / TerminateJob",
        rule="sForBatchJobsRule",
        ids="JobId Jobs[].JobId",
        word="job id",
    ),
    _Job(
        "glue",
        "startJobRun",
        "StartJobRun / GetJobRun GetJobRuns / BatchStopJobRun",
        ids="JobRunId Id JobRun.Id",
        word="job run id",
    ),
    _Job(
        "databrew",
        "startJobRun",
        "StartJobRun / ListJobRuns / StopJobRun",
        ids="RunId",
        word="run id",
    ),
    _Job(
        "codebuild",
        "startBuild",
        "StartBuild / BatchGetBuilds / StopBuild",
        rule="ForCodeBuildStartBuildRule",
        ids="Build.Arn Build.Id Builds[].Arn Builds[].Id",
        word="build id",
    ),
    _Job(
        "codebuild",
        "startBuildBatch",
        "StartBuildBatch / BatchGetBuildBatches / StopBuildBatch",
        rule="ForCodeBuildStartBuildBatchRule",
        ids="BuildBatch.Arn BuildBatch.Id BuildBatches[].Arn BuildBatches[].Id",
        word="build batch id",
    ),
    _sagemaker("TrainingJob", "sForSageMakerTrainingJobsRule"),
    _sagemaker("TransformJob", "sForSageMakerTransformJobsRule"),
    _sagemaker("HyperParameterTuningJob", "sForSageMakerTuningJobsRule"),
    _sagemaker("LabelingJob", "sForSageMakerLabelingJobsRule"),
    _sagemaker("ProcessingJob", "sForSageMakerProcessingJobsRule"),
    _Job(
        "elasticmapreduce",
        "createCluster",
        "RunJobFlow / DescribeCluster / TerminateJobFlows",
        rule="ForEMRRunJobFlowRule",
        ids="ClusterId Cluster.Id JobFlowId",
        word="cluster id",
    ),
    _Job(
        "elasticmapreduce",
        "addStep",
        "AddJobFlowSteps / DescribeStep / CancelSteps",
        rule="ForEMRAddJobFlowStepsRule",
        ids="StepId Step.Id StepIds[]",
        word="step id",
    ),
    _Job(
        "elasticmapreduce",
        "terminateCluster",
        "TerminateJobFlows / DescribeCluster /",
        rule="ForEMRTerminateJobFlowsRule",
        ids="ClusterId Cluster.Id",
        word="cluster id",
    ),
    _Job(
        "emr-containers",
        "startJobRun",
        "StartJobRun / DescribeJobRun / CancelJobRun",
        ids="Id JobRun.Id",
        word="job run id",
    ),
    _Job(
        "emr-serverless",
        "startJobRun",
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
    _Job(
        "athena",
        "startQueryExecution",
        "StartQueryExecution / GetQueryExecution / StopQueryExecution",
        ids="QueryExecutionId QueryExecution.QueryExecutionId",
        word="query id",
    ),
    _Job(
        "states",
        "startExecution",
        "StartExecution / DescribeExecution / StopExecution",
        rule="sForStepFunctionsExecutionRule",
        ids="ExecutionArn",
        word="execution ARN",
        stop="StopDate",
    ),
    _Job(
        "mediaconvert",
        "createJob",
        "CreateJob / GetJob / CancelJob",
        rule="sForMediaConvertJobRule",
        ids="Job.Id Job.Arn",
        word="job id",
    ),
    _Job(
        "bedrock",
        "createModelCustomizationJob",
        "CreateModelCustomizationJob / GetModelCustomizationJob"
        " / StopModelCustomizationJob",
        rule="sForBedrockRule",
        ids="JobArn",
        word="job ARN",
    ),
)


class _SdkServices(Struct):
    """The AWS SDK for Java's names of services: see `templates/sdk_services.json`."""

    event_sources: Mapping[str, str]
    """To what CloudTrail calls the service, without the domain."""
    home_regions: Mapping[str, Mapping[str, str]]
    """Of the global ones, by partition, where their calls are recorded. Documented for
    us-east-1; the others are where requests are signed for [inferred]."""


@lru_cache(maxsize=1)
def _sdk_services() -> _SdkServices:
    """Read the table, which a command of the tests makes from botocore's models."""
    table = files("sfnwatch.next.templates") / "sdk_services.json"
    return msgspec.json.decode(table.read_bytes(), type=_SdkServices)


def sdk_event_sources() -> Mapping[str, str]:
    """Name each service of the AWS SDK as CloudTrail does: `sfn` to `states`."""
    return _sdk_services().event_sources


def home_region(resource_type: str, partition: str) -> str | None:
    """Find where the calls of an SDK integration are recorded.

    None for most, whose calls are recorded in the Region they are made in.
    """
    homes = _sdk_services().home_regions.get(resource_type.removeprefix("aws-sdk:"), {})
    return homes.get(partition)


def _domain(service: str) -> str:
    return f"{service}.amazonaws.com"


def _from_job(job: _Job) -> Integration:
    event, polls, stops = (part.split() for part in job.names.split("/"))
    return Integration(
        resource_type=job.service,
        action=job.action,
        event_source=_domain(job.service),
        action_event=event[0],
        poll_events=tuple(polls),
        stop_events=tuple(stops),
        managed_rule=f"StepFunctionsGetEvent{job.rule}" if job.rule else None,
        id_paths=tuple(job.ids.split()),
        id_word=job.word,
        stop_key=job.stop,
        starts_job=True,
    )


JOBS: tuple[Integration, ...] = tuple(map(_from_job, _JOBS))
"""The integrations that run a job."""
_BY_ACTION = {(row.resource_type, row.action): row for row in JOBS}
_BY_SOURCE = {
    (row.event_source, name): row
    for row in reversed(JOBS)
    for name in (*row.stop_events, *row.poll_events, row.action_event)
}

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
    if not sdk and (service, action) == (_HTTP.resource_type, _HTTP.action):
        return _HTTP
    source = sdk_event_sources().get(service, service) if sdk else service
    event = action[:1].upper() + action[1:]
    event = EVENT_NAMES.get((service, event), event) if sdk else event
    twin = _BY_SOURCE.get((_domain(source), event))
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
    return tuple(
        row
        for row in JOBS
        if row.event_source == event_source
        and row.role_of(event_name) is not CallRole.OTHER
    )


@lru_cache(maxsize=1024)
def usual_role(event_source: str, event_name: str) -> CallRole:
    """Tell what a call usually is for, with nothing known but its name."""
    jobs = jobs_of_call(event_source, event_name)
    roles = {row.role_of(event_name) for row in jobs}
    for role in (CallRole.ACTION, CallRole.POLL, CallRole.STOP):
        if role in roles:
            return role
    return CallRole.OTHER


def event_sources(rows: Iterable[Integration]) -> tuple[str, ...]:
    """Name the services whose calls LookupEvents can show, each once, in order."""
    return tuple(dict.fromkeys(source for row in rows for source in row.event_sources))
