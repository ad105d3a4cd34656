"""Every job of the optimized integrations, as AWS's pages and models have it.

Literal, and none of it from the code under test. No recording shows most of them: what
stands here of a job's id in a state's output is documented for some, and inferred from
those for the others; so are the names of the labeling, processing and Bedrock rules.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

ID = "9f018ef6-1370-48da-8511-50c5c6670355"

_TABLE = """
ecs:runTask ecs:runTask RunTask tasks[].taskArn DescribeTasks=tasks[] StopTask=task
  sForECSTaskRule task_ARN Tasks[].TaskArn TaskArn Task.TaskArn
batch:submitJob batch:submitJob SubmitJob jobId DescribeJobs=jobs[] TerminateJob=jobId
  sForBatchJobsRule job_id JobId Jobs[].JobId
glue:startJobRun glue:startJobRun StartJobRun jobRunId GetJobRun=runId,GetJobRuns
  BatchStopJobRun=jobRunIds[] - job_run_id JobRunId Id JobRun.Id
databrew:startJobRun databrew:startJobRun StartJobRun runId ListJobRuns
  StopJobRun=runId - run_id RunId
codebuild:startBuild codebuild:startBuild StartBuild build.id BatchGetBuilds=ids[]
  StopBuild=id ForCodeBuildStartBuildRule build_id
  Build.Arn Build.Id Builds[].Arn Builds[].Id
codebuild:startBuildBatch codebuild:startBuildBatch StartBuildBatch buildBatch.id
  BatchGetBuildBatches=ids[] StopBuildBatch=id ForCodeBuildStartBuildBatchRule
  build_batch_id BuildBatch.Id BuildBatch.Arn BuildBatches[].Arn BuildBatches[].Id
sagemaker:createTrainingJob sagemaker:createTrainingJob CreateTrainingJob
  trainingJobArn DescribeTrainingJob=trainingJobName StopTrainingJob=trainingJobName
  sForSageMakerTrainingJobsRule job_name TrainingJobArn TrainingJobName
sagemaker:createTransformJob sagemaker:createTransformJob CreateTransformJob
  transformJobArn DescribeTransformJob=transformJobName
  StopTransformJob=transformJobName sForSageMakerTransformJobsRule job_name
  TransformJobArn TransformJobName
sagemaker:createHyperParameterTuningJob sagemaker:createHyperParameterTuningJob
  CreateHyperParameterTuningJob hyperParameterTuningJobArn
  DescribeHyperParameterTuningJob=hyperParameterTuningJobName
  StopHyperParameterTuningJob=hyperParameterTuningJobName sForSageMakerTuningJobsRule
  job_name HyperParameterTuningJobArn HyperParameterTuningJobName
sagemaker:createLabelingJob sagemaker:createLabelingJob CreateLabelingJob
  labelingJobArn DescribeLabelingJob=labelingJobName StopLabelingJob=labelingJobName
  sForSageMakerLabelingJobsRule job_name LabelingJobArn LabelingJobName
sagemaker:createProcessingJob sagemaker:createProcessingJob CreateProcessingJob
  processingJobArn DescribeProcessingJob=processingJobName
  StopProcessingJob=processingJobName sForSageMakerProcessingJobsRule job_name
  ProcessingJobArn ProcessingJobName
elasticmapreduce:createCluster emr:runJobFlow RunJobFlow jobFlowId
  DescribeCluster=clusterId TerminateJobFlows=jobFlowIds[] ForEMRRunJobFlowRule
  cluster_id JobFlowId ClusterId Cluster.Id
elasticmapreduce:addStep emr:addJobFlowSteps AddJobFlowSteps stepIds[]
  DescribeStep=stepId CancelSteps=stepIds[] ForEMRAddJobFlowStepsRule step_id
  StepIds[] StepId Step.Id
elasticmapreduce:terminateCluster emr:terminateJobFlows TerminateJobFlows -
  DescribeCluster=clusterId - ForEMRTerminateJobFlowsRule cluster_id
  ClusterId Cluster.Id
emr-containers:startJobRun emrcontainers:startJobRun StartJobRun id DescribeJobRun=id
  CancelJobRun=id - job_run_id Id JobRun.Id
emr-serverless:startJobRun emrserverless:startJobRun StartJobRun jobRunId
  GetJobRun=jobRunId CancelJobRun=jobRunId sForEMRServerlessJobRule job_run_id
  JobRunId JobRun.JobRunId
emr-serverless:createApplication emrserverless:createApplication CreateApplication
  applicationId GetApplication=applicationId
  StopApplication=applicationId,DeleteApplication=applicationId
  sForEMRServerlessApplicationRule application_id
  ApplicationId Application.ApplicationId
emr-serverless:startApplication emrserverless:startApplication StartApplication -
  GetApplication=applicationId StopApplication=applicationId
  sForEMRServerlessApplicationRule application_id
  ApplicationId Application.ApplicationId
emr-serverless:stopApplication emrserverless:stopApplication StopApplication -
  GetApplication=applicationId - sForEMRServerlessApplicationRule application_id
  ApplicationId Application.ApplicationId
emr-serverless:deleteApplication emrserverless:deleteApplication DeleteApplication -
  GetApplication=applicationId - sForEMRServerlessApplicationRule application_id
  ApplicationId Application.ApplicationId
eks:createCluster eks:createCluster CreateCluster cluster.name DescribeCluster=name - -
  name Cluster.Arn Cluster.Name
eks:deleteCluster eks:deleteCluster DeleteCluster cluster.name DescribeCluster=name - -
  name Cluster.Arn Cluster.Name
eks:createNodegroup eks:createNodegroup CreateNodegroup nodegroup.name
  DescribeNodegroup=nodegroupName - - name
  Nodegroup.NodegroupArn Nodegroup.NodegroupName
eks:deleteNodegroup eks:deleteNodegroup DeleteNodegroup nodegroup.name
  DescribeNodegroup=nodegroupName - - name
  Nodegroup.NodegroupArn Nodegroup.NodegroupName
eks:createFargateProfile eks:createFargateProfile CreateFargateProfile
  fargateProfile.name DescribeFargateProfile=fargateProfileName - - name
  FargateProfile.FargateProfileArn FargateProfile.FargateProfileName
eks:deleteFargateProfile eks:deleteFargateProfile DeleteFargateProfile
  fargateProfile.name DescribeFargateProfile=fargateProfileName - - name
  FargateProfile.FargateProfileArn FargateProfile.FargateProfileName
athena:startQueryExecution athena:startQueryExecution StartQueryExecution
  queryExecutionId GetQueryExecution=queryExecutionId
  StopQueryExecution=queryExecutionId - query_id
  QueryExecutionId QueryExecution.QueryExecutionId
states:startExecution sfn:startExecution StartExecution executionArn
  DescribeExecution=executionArn StopExecution=executionArn
  sForStepFunctionsExecutionRule execution_ARN ExecutionArn
mediaconvert:createJob mediaconvert:createJob CreateJob job.id GetJob=id CancelJob=id
  sForMediaConvertJobRule job_id Job.Id Job.Arn
bedrock:createModelCustomizationJob bedrock:createModelCustomizationJob
  CreateModelCustomizationJob jobArn GetModelCustomizationJob=jobIdentifier
  StopModelCustomizationJob=jobIdentifier sForBedrockRule job_ARN JobArn
"""
"""A row: the integration, the same by the SDK, the operation that starts the job and
where its answer in CloudTrail names it, the operations that look at it and that stop
it with where their requests do, the end of the EventBridge rule's name, what people
call the id, and where the outputs of states name it, in the SDK's form first."""


class Job(NamedTuple):
    """What is called for a job, and where the id lies that all of it is matched by."""

    sdk: str
    start: str
    answer: str
    """A path: dotted, `[]` is a list; empty where it names none."""
    polls: dict[str, str]
    """Operations, each with such a path in its request."""
    stops: dict[str, str]
    rule: str | None
    word: str
    told: tuple[str, ...]


def _rows() -> Iterator[tuple[str, Job]]:
    for text in _TABLE.strip().replace("\n  ", " ").splitlines():
        row = ["" if word == "-" else word for word in text.split()]
        name, sdk, start, answer, polls, stops, rule, word, *told = row
        rule_name = f"StepFunctionsGetEvent{rule}" if rule else None
        calls = _calls(polls), _calls(stops)
        word = word.replace("_", " ")
        yield name, Job(sdk, start, answer, *calls, rule_name, word, tuple(told))


def _calls(text: str) -> dict[str, str]:
    pairs = (each.partition("=") for each in text.split(",") if each)
    return {name: path for name, _, path in pairs}


JOBS = dict(_rows())


def put(path: str) -> dict[str, Any]:
    """Build a JSON object with the id at a path; an empty one for no path."""
    found: Any = ID
    for key in reversed(path.split(".")) if path else ():
        found = {key.removesuffix("[]"): [found] if key.endswith("[]") else found}
    return found if path else {}
