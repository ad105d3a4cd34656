"""The jobs of Step Functions' optimised integrations, as plain data.

From the developer guide's pages on service integrations and their IAM policies. A
row says which API operations start, look at and stop a job. That is not always the
integration's own word: EMR's createCluster is RunJobFlow.
"""

from typing import NamedTuple


class Row(NamedTuple):
    """One job, in words apart by spaces."""

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


def _sagemaker(job: str, rule: str) -> Row:
    return Row(
        "sagemaker",
        f"create{job}",
        f"Create{job} / Describe{job} / Stop{job}",
        rule=rule,
        ids=f"{job}Arn {job}Name",
        word="job name",
    )


def _eks(action: str, thing: str, prefix: str = "") -> Row:
    event = action[0].upper() + action[1:]
    ids = f"{thing}.{prefix}Arn {thing}.{prefix}Name"
    return Row("eks", action, f"{event} / Describe{thing} /", ids=ids, word="name")


def _emr_serverless(action: str, stops: str = "") -> Row:
    event = action[0].upper() + action[1:]
    return Row(
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
ROWS: tuple[Row, ...] = (
    Row(
        "ecs",
        "runTask",
        "RunTask / DescribeTasks / StopTask",
        rule="sForECSTaskRule",
        ids="Tasks[].TaskArn TaskArn Task.TaskArn",
        word="task ARN",
        stop="StoppedAt",
    ),
    Row(
        "batch",
        "submitJob",
        "SubmitJob / DescribeJobs / TerminateJob",
        rule="sForBatchJobsRule",
        ids="JobId Jobs[].JobId",
        word="job id",
    ),
    Row(
        "glue",
        "startJobRun",
        "StartJobRun / GetJobRun GetJobRuns / BatchStopJobRun",
        ids="JobRunId Id JobRun.Id",
        word="job run id",
    ),
    Row(
        "databrew",
        "startJobRun",
        "StartJobRun / ListJobRuns / StopJobRun",
        ids="RunId",
        word="run id",
    ),
    Row(
        "codebuild",
        "startBuild",
        "StartBuild / BatchGetBuilds / StopBuild",
        rule="ForCodeBuildStartBuildRule",
        ids="Build.Arn Build.Id Builds[].Arn Builds[].Id",
        word="build id",
    ),
    Row(
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
    Row(
        "elasticmapreduce",
        "createCluster",
        "RunJobFlow / DescribeCluster / TerminateJobFlows",
        rule="ForEMRRunJobFlowRule",
        ids="ClusterId Cluster.Id JobFlowId",
        word="cluster id",
    ),
    Row(
        "elasticmapreduce",
        "addStep",
        "AddJobFlowSteps / DescribeStep / CancelSteps",
        rule="ForEMRAddJobFlowStepsRule",
        ids="StepId Step.Id StepIds[]",
        word="step id",
    ),
    Row(
        "elasticmapreduce",
        "terminateCluster",
        "TerminateJobFlows / DescribeCluster /",
        rule="ForEMRTerminateJobFlowsRule",
        ids="ClusterId Cluster.Id",
        word="cluster id",
    ),
    Row(
        "emr-containers",
        "startJobRun",
        "StartJobRun / DescribeJobRun / CancelJobRun",
        ids="Id JobRun.Id",
        word="job run id",
    ),
    Row(
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
    Row(
        "athena",
        "startQueryExecution",
        "StartQueryExecution / GetQueryExecution / StopQueryExecution",
        ids="QueryExecutionId QueryExecution.QueryExecutionId",
        word="query id",
    ),
    Row(
        "states",
        "startExecution",
        "StartExecution / DescribeExecution / StopExecution",
        rule="sForStepFunctionsExecutionRule",
        ids="ExecutionArn",
        word="execution ARN",
        stop="StopDate",
    ),
    Row(
        "mediaconvert",
        "createJob",
        "CreateJob / GetJob / CancelJob",
        rule="sForMediaConvertJobRule",
        ids="Job.Id Job.Arn",
        word="job id",
    ),
    Row(
        "bedrock",
        "createModelCustomizationJob",
        "CreateModelCustomizationJob / GetModelCustomizationJob"
        " / StopModelCustomizationJob",
        rule="sForBedrockRule",
        ids="JobArn",
        word="job ARN",
    ),
)
