"""One table: what Step Functions calls for each of its integrations.

From the Step Functions developer guide's pages on service integrations and their
IAM policies. History names an integration by `resourceType` and `resource`; the
name in CloudTrail is not always the same word (EMR's createCluster is RunJobFlow).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from sfnwatch.trace.integration_names import SOURCES, is_data_event


class Pattern(StrEnum):
    """How a Task state uses the service it calls."""

    SYNC = "sync"
    """`.sync`, `.sync:2`: run a job and wait for its end."""
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


@dataclass(frozen=True, slots=True)
class Integration:
    """One row: an action of a service, and what CloudTrail shows of it."""

    resource_type: str
    action: str
    event_source: str
    action_event: str
    poll_events: tuple[str, ...] = ()
    stop_events: tuple[str, ...] = ()
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
    """True if its action begins something that goes on after the answer."""
    recorded: bool = True
    """False for data events and calls that are none of AWS's: LookupEvents can't show
    them."""

    @property
    def job_word(self) -> str:
        """Say what the job is to people: a task, a build, an execution."""
        return self.id_word.rpartition(" ")[0] or "job"

    def role_of(self, event_name: str) -> CallRole:
        name = unversioned(event_name)
        if name == self.action_event:
            return CallRole.ACTION
        if name in self.poll_events:
            return CallRole.POLL
        return CallRole.STOP if name in self.stop_events else CallRole.OTHER


def _row(
    resource_type: str,
    action: str,
    names: str,
    *,
    rule: str | None = None,
    ids: str = "",
    word: str = "id",
    stop: str | None = None,
) -> Integration:
    """`names` is `Action / Poll Poll / Stop`, `ids` paths apart by spaces."""
    event, polls, stops = (part.split() for part in names.split("/"))
    return Integration(
        resource_type=resource_type,
        action=action,
        event_source=f"{resource_type}.amazonaws.com",
        action_event=event[0],
        poll_events=tuple(polls),
        stop_events=tuple(stops),
        managed_rule=rule and f"StepFunctionsGetEvent{rule}",
        id_paths=tuple(ids.split()),
        id_word=word,
        stop_key=stop,
        starts_job=True,
    )


def _sagemaker(job: str, rule: str) -> Integration:
    return _row(
        "sagemaker",
        f"create{job}",
        f"Create{job} / Describe{job} / Stop{job}",
        rule=rule,
        ids=f"{job}Arn {job}Name",
        word="job name",
    )


def _eks(action: str, thing: str, poll: str) -> Integration:
    event = action[0].upper() + action[1:]
    path = f"{thing}.{thing}Arn {thing}.Arn {thing}.{thing}Name {thing}.Name"
    return _row("eks", action, f"{event} / {poll} /", ids=path, word="name")


def _emr_serverless(action: str, stops: str = "") -> Integration:
    event = action[0].upper() + action[1:]
    return _row(
        "emr-serverless",
        action,
        f"{event} / GetApplication / {stops}",
        rule="sForEMRServerlessApplicationRule",
        ids="ApplicationId",
        word="application id",
    )


# The rules' names waver between GetEvent and GetEvents, as AWS's own do; those of
# the labeling, processing and Bedrock rules are inferred from their siblings.
TABLE: tuple[Integration, ...] = (
    _row(
        "ecs",
        "runTask",
        "RunTask / DescribeTasks / StopTask",
        rule="sForECSTaskRule",
        ids="Tasks[].TaskArn TaskArn Task.TaskArn",
        word="task ARN",
        stop="StoppedAt",
    ),
    _row(
        "batch",
        "submitJob",
        "SubmitJob / DescribeJobs / TerminateJob",
        rule="sForBatchJobsRule",
        ids="JobId",
        word="job id",
    ),
    _row(
        "glue",
        "startJobRun",
        "StartJobRun / GetJobRun GetJobRuns / BatchStopJobRun",
        ids="JobRunId Id",
        word="job run id",
    ),
    _row(
        "databrew",
        "startJobRun",
        "StartJobRun / ListJobRuns / StopJobRun",
        ids="RunId",
        word="run id",
    ),
    _row(
        "codebuild",
        "startBuild",
        "StartBuild / BatchGetBuilds / StopBuild",
        rule="ForCodeBuildStartBuildRule",
        ids="Build.Arn Build.Id",
        word="build id",
    ),
    _row(
        "codebuild",
        "startBuildBatch",
        "StartBuildBatch / BatchGetBuildBatches / StopBuildBatch",
        rule="ForCodeBuildStartBuildBatchRule",
        ids="BuildBatch.Arn BuildBatch.Id",
        word="build batch id",
    ),
    _sagemaker("TrainingJob", "sForSageMakerTrainingJobsRule"),
    _sagemaker("TransformJob", "sForSageMakerTransformJobsRule"),
    _sagemaker("HyperParameterTuningJob", "sForSageMakerTuningJobsRule"),
    _sagemaker("LabelingJob", "sForSageMakerLabelingJobsRule"),
    _sagemaker("ProcessingJob", "sForSageMakerProcessingJobsRule"),
    _row(
        "elasticmapreduce",
        "createCluster",
        "RunJobFlow / DescribeCluster / TerminateJobFlows",
        rule="ForEMRRunJobFlowRule",
        ids="ClusterId Cluster.Id",
        word="cluster id",
    ),
    _row(
        "elasticmapreduce",
        "addStep",
        "AddJobFlowSteps / DescribeStep / CancelSteps",
        rule="ForEMRAddJobFlowStepsRule",
        ids="StepId Step.Id",
        word="step id",
    ),
    _row(
        "elasticmapreduce",
        "terminateCluster",
        "TerminateJobFlows / DescribeCluster /",
        rule="ForEMRTerminateJobFlowsRule",
        ids="ClusterId Cluster.Id",
        word="cluster id",
    ),
    _row(
        "emr-containers",
        "startJobRun",
        "StartJobRun / DescribeJobRun / CancelJobRun",
        ids="Id JobRun.Id",
        word="job run id",
    ),
    _row(
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
    _eks("createCluster", "Cluster", "DescribeCluster"),
    _eks("deleteCluster", "Cluster", "DescribeCluster"),
    _eks("createNodegroup", "Nodegroup", "DescribeNodegroup"),
    _eks("deleteNodegroup", "Nodegroup", "DescribeNodegroup"),
    _eks("createFargateProfile", "FargateProfile", "DescribeFargateProfile"),
    _eks("deleteFargateProfile", "FargateProfile", "DescribeFargateProfile"),
    _row(
        "athena",
        "startQueryExecution",
        "StartQueryExecution / GetQueryExecution / StopQueryExecution",
        ids="QueryExecutionId QueryExecution.QueryExecutionId",
        word="query id",
    ),
    _row(
        "states",
        "startExecution",
        "StartExecution / DescribeExecution / StopExecution",
        rule="sForStepFunctionsExecutionRule",
        ids="ExecutionArn",
        word="execution ARN",
        stop="StopDate",
    ),
    _row(
        "mediaconvert",
        "createJob",
        "CreateJob / GetJob / CancelJob",
        rule="sForMediaConvertJobRule",
        ids="Job.Id Job.Arn",
        word="job id",
    ),
    _row(
        "bedrock",
        "createModelCustomizationJob",
        "CreateModelCustomizationJob / GetModelCustomizationJob"
        " / StopModelCustomizationJob",
        rule="sForBedrockRule",
        ids="JobArn",
        word="job ARN",
    ),
)
_BY_ACTION = {(row.resource_type, row.action): row for row in TABLE}
_BY_SOURCE = {
    (row.event_source, name): row
    for row in reversed(TABLE)
    for name in (*row.stop_events, *row.poll_events, row.action_event)
}

_RUN_JOB = ("eks", "runJob")
"""A job too, though Kubernetes runs it: no API of AWS's tells of it."""
_SDK = "aws-sdk:"
_VERSION = re.compile(r"\d{8}(v\d+)?$")


def unversioned(event_name: str) -> str:
    """Drop the API version some services append: `GetFunction20150331v2`."""
    return _VERSION.sub("", event_name)


def pattern_of(resource_type: str, resource: str) -> Pattern:
    """Tell the pattern of a Task from its own event's two names."""
    _, _, suffix = resource.partition(".")
    if suffix == "waitForTaskToken":
        return Pattern.TASK_TOKEN
    if suffix.startswith("sync"):
        return Pattern.SYNC
    if resource_type.startswith(_SDK):
        return Pattern.AWS_SDK
    return Pattern.REQUEST_RESPONSE


@lru_cache(maxsize=1024)
def integration(resource_type: str, resource: str) -> Integration:
    """Find the row of `resourceType` and `resource`, or make one for a plain call.

    An action outside the table is called and no more: its event has its name with
    a capital, and there is nothing to poll. An `aws-sdk:` call borrows the ids of
    the optimised row, but neither its polls nor its rule; so does one that asks for
    the job, or stops it.
    """
    action = resource.partition(".")[0]
    service = resource_type.removeprefix(_SDK)
    source = SOURCES.get(service, service)
    event = action[:1].upper() + action[1:]
    optimised = _BY_ACTION.get((resource_type, action))
    if optimised is not None:
        return optimised
    twin = _BY_SOURCE.get((f"{source}.amazonaws.com", event))
    return Integration(
        resource_type=resource_type,
        action=action,
        event_source=f"{source}.amazonaws.com",
        action_event=event,
        id_paths=twin.id_paths if twin else (),
        id_word=twin.id_word if twin else "id",
        starts_job=(resource_type, action) == _RUN_JOB
        or (twin is not None and twin.action_event == event),
        recorded=not is_data_event(source, event),
    )


def usual_role(event_source: str, event_name: str) -> CallRole:
    """Tell what a call usually is for, with nothing known but its name."""
    roles = {
        row.role_of(event_name) for row in TABLE if row.event_source == event_source
    }
    for role in (CallRole.ACTION, CallRole.POLL, CallRole.STOP):
        if role in roles:
            return role
    return CallRole.OTHER


def event_sources(rows: Iterable[Integration]) -> tuple[str, ...]:
    """Name the services whose calls LookupEvents can show, each once, in order."""
    return tuple(dict.fromkeys(row.event_source for row in rows if row.recorded))
