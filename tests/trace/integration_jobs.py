"""Every job of the optimised integrations, as AWS's pages and models have it.

Literal, and none of it from the code under test. Outputs are the API's answers with
their keys in PascalCase, as Step Functions gives them; CloudTrail's parameters are
the API's own. No recording shows most of them: what stands here of a job's id in a
state's output is documented for some, and inferred from those for the others.
"""

from dataclasses import dataclass, field
from typing import Any

REGION = "ap-northeast-1"
ID = "9f018ef6-1370-48da-8511-50c5c6670355"


def arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{REGION}:123456789012:{resource}"


Calls = dict[str, dict[str, Any]]
"""The names of calls to the parameters they are made with."""


@dataclass(frozen=True)
class Job:
    """A row: what is called, what comes back, and what that is tied by."""

    start: str
    """The operation that starts it."""
    polls: Calls
    stops: Calls = field(default_factory=dict)
    rule: str | None = None
    word: str = "id"
    submitted: Any = None
    """The output of TaskSubmitted, but for its request id."""
    done: Any = None
    """The output of TaskSucceeded."""
    answer: Any = None
    """What CloudTrail has as responseElements of the start."""
    sdk: tuple[str, str] = ("", "")
    """The same by the SDK: its service and its action."""
    sdk_output: Any = None
    """What the SDK integration gives, where it is not what TaskSubmitted has."""
    poll_rule: str = "resource-id"
    stop_rule: str = "resource-id"
    stop_key: str | None = None


TASK = arn("ecs", f"task/my-cluster/{ID}")
NAME = "nightly-7f3a"


def sagemaker(job: str, kind: str, rule: str) -> Job:
    key = f"{job[0].lower()}{job[1:]}Name"
    job_arn = arn("sagemaker", f"{kind}/{NAME}")
    return Job(
        f"Create{job}",
        {f"Describe{job}": {key: NAME}},
        {f"Stop{job}": {key: NAME}},
        rule,
        "job name",
        submitted={f"{job}Arn": job_arn},
        done={f"{job}Arn": job_arn, f"{job}Name": NAME},
        answer={f"{key[:-4]}Arn": job_arn},
        sdk=("sagemaker", f"create{job}"),
    )


def eks(verb: str, thing: str, kind: str) -> Job:
    name = f"{thing[0].lower()}{thing[1:]}Name" if thing != "Cluster" else "name"
    told_arn = "Arn" if thing == "Cluster" else f"{thing}Arn"
    told_name = "Name" if thing == "Cluster" else f"{thing}Name"
    told = {thing: {told_name: NAME, told_arn: arn("eks", f"{kind}/{NAME}")}}
    return Job(
        f"{verb}{thing}",
        {f"Describe{thing}": {name: NAME}},
        word="name",
        submitted=told,
        done=told,
        answer={thing.lower(): {name: NAME}},
        sdk=("eks", f"{verb.lower()}{thing}"),
    )


def application(verb: str, stops: tuple[str, ...] = (), **more: Any) -> Job:
    return Job(
        f"{verb}Application",
        {"GetApplication": {"applicationId": ID}},
        {stop: {"applicationId": ID} for stop in stops},
        "StepFunctionsGetEventsForEMRServerlessApplicationRule",
        "application id",
        done={"Application": {"ApplicationId": ID}},
        sdk=("emrserverless", f"{verb.lower()}Application"),
        **more,
    )


JOBS: dict[str, Job] = {
    "ecs:runTask": Job(
        "RunTask",
        {"DescribeTasks": {"cluster": "c", "tasks": [TASK]}},
        {"StopTask": {"cluster": "c", "task": ID}},
        "StepFunctionsGetEventsForECSTaskRule",
        "task ARN",
        submitted={"Tasks": [{"TaskArn": TASK}], "Failures": []},
        done={"TaskArn": TASK, "LastStatus": "STOPPED"},
        answer={"tasks": [{"taskArn": TASK}], "failures": []},
        sdk=("ecs", "runTask"),
        stop_key="StoppedAt",
    ),
    "batch:submitJob": Job(
        "SubmitJob",
        {"DescribeJobs": {"jobs": [ID]}},
        {"TerminateJob": {"jobId": ID, "reason": "aborted"}},
        "StepFunctionsGetEventsForBatchJobsRule",
        "job id",
        submitted={"JobId": ID, "JobName": "n"},
        done={"JobId": ID, "Status": "SUCCEEDED"},
        answer={"jobId": ID, "jobName": "n"},
        sdk=("batch", "submitJob"),
    ),
    "glue:startJobRun": Job(
        "StartJobRun",
        {
            "GetJobRun": {"jobName": "etl", "runId": f"jr_{ID}"},
            "GetJobRuns": {"jobName": "etl"},
        },
        {"BatchStopJobRun": {"jobName": "etl", "jobRunIds": [f"jr_{ID}"]}},
        None,
        "job run id",
        submitted={"JobRunId": f"jr_{ID}"},
        done={"JobName": "etl", "Id": f"jr_{ID}"},
        answer={"jobRunId": f"jr_{ID}"},
        sdk=("glue", "startJobRun"),
    ),
    "databrew:startJobRun": Job(
        "StartJobRun",
        {"ListJobRuns": {"name": "clean"}},
        {"StopJobRun": {"name": "clean", "runId": f"db_{ID}"}},
        None,
        "run id",
        submitted={"RunId": f"db_{ID}"},
        done={"RunId": f"db_{ID}", "JobName": "clean"},
        answer={"runId": f"db_{ID}"},
        sdk=("databrew", "startJobRun"),
        # It asks for all the runs of a job: no poll of it can name one.
        poll_rule="unique-candidate",
    ),
    "codebuild:startBuild": Job(
        "StartBuild",
        {"BatchGetBuilds": {"ids": [f"p:{ID}"]}},
        {"StopBuild": {"id": f"p:{ID}"}},
        "StepFunctionsGetEventForCodeBuildStartBuildRule",
        "build id",
        submitted={"Build": {"Arn": arn("codebuild", f"build/p:{ID}")}},
        done={"Build": {"Id": f"p:{ID}"}},
        answer={"build": {"id": f"p:{ID}"}},
        sdk=("codebuild", "startBuild"),
    ),
    "codebuild:startBuildBatch": Job(
        "StartBuildBatch",
        {"BatchGetBuildBatches": {"ids": [f"p:{ID}"]}},
        {"StopBuildBatch": {"id": f"p:{ID}"}},
        "StepFunctionsGetEventForCodeBuildStartBuildBatchRule",
        "build batch id",
        submitted={"BuildBatch": {"Id": f"p:{ID}"}},
        done={"BuildBatch": {"Id": f"p:{ID}"}},
        answer={"buildBatch": {"id": f"p:{ID}"}},
        sdk=("codebuild", "startBuildBatch"),
    ),
    "sagemaker:createTrainingJob": sagemaker(
        "TrainingJob",
        "training-job",
        "StepFunctionsGetEventsForSageMakerTrainingJobsRule",
    ),
    "sagemaker:createTransformJob": sagemaker(
        "TransformJob",
        "transform-job",
        "StepFunctionsGetEventsForSageMakerTransformJobsRule",
    ),
    "sagemaker:createHyperParameterTuningJob": sagemaker(
        "HyperParameterTuningJob",
        "hyper-parameter-tuning-job",
        "StepFunctionsGetEventsForSageMakerTuningJobsRule",
    ),
    # The names of these two rules, and of Bedrock's, are inferred.
    "sagemaker:createLabelingJob": sagemaker(
        "LabelingJob",
        "labeling-job",
        "StepFunctionsGetEventsForSageMakerLabelingJobsRule",
    ),
    "sagemaker:createProcessingJob": sagemaker(
        "ProcessingJob",
        "processing-job",
        "StepFunctionsGetEventsForSageMakerProcessingJobsRule",
    ),
    "elasticmapreduce:createCluster": Job(
        "RunJobFlow",
        {"DescribeCluster": {"clusterId": "j-1A2B"}},
        {"TerminateJobFlows": {"jobFlowIds": ["j-1A2B"]}},
        "StepFunctionsGetEventForEMRRunJobFlowRule",
        "cluster id",
        submitted={"ClusterId": "j-1A2B"},
        done={"Cluster": {"Id": "j-1A2B"}},
        answer={"jobFlowId": "j-1A2B"},
        sdk=("emr", "runJobFlow"),
        sdk_output={"JobFlowId": "j-1A2B"},
    ),
    "elasticmapreduce:addStep": Job(
        "AddJobFlowSteps",
        {"DescribeStep": {"clusterId": "j-1A2B", "stepId": "s-3C4D"}},
        {"CancelSteps": {"clusterId": "j-1A2B", "stepIds": ["s-3C4D"]}},
        "StepFunctionsGetEventForEMRAddJobFlowStepsRule",
        "step id",
        submitted={"StepId": "s-3C4D"},
        done={"Step": {"Id": "s-3C4D"}},
        answer={"stepIds": ["s-3C4D"]},
        sdk=("emr", "addJobFlowSteps"),
        sdk_output={"StepIds": ["s-3C4D"]},
    ),
    "elasticmapreduce:terminateCluster": Job(
        "TerminateJobFlows",
        {"DescribeCluster": {"clusterId": "j-1A2B"}},
        {},
        "StepFunctionsGetEventForEMRTerminateJobFlowsRule",
        "cluster id",
        done={"Cluster": {"Id": "j-1A2B"}},
        sdk=("emr", "terminateJobFlows"),
    ),
    "emr-containers:startJobRun": Job(
        "StartJobRun",
        {"DescribeJobRun": {"id": ID, "virtualClusterId": "v"}},
        {"CancelJobRun": {"id": ID, "virtualClusterId": "v"}},
        None,
        "job run id",
        submitted={"Id": ID, "VirtualClusterId": "v"},
        done={"JobRun": {"Id": ID}},
        answer={"id": ID},
        sdk=("emrcontainers", "startJobRun"),
    ),
    "emr-serverless:startJobRun": Job(
        "StartJobRun",
        {"GetJobRun": {"applicationId": "a", "jobRunId": ID}},
        {"CancelJobRun": {"applicationId": "a", "jobRunId": ID}},
        "StepFunctionsGetEventsForEMRServerlessJobRule",
        "job run id",
        submitted={"ApplicationId": "a", "JobRunId": ID},
        done={"JobRun": {"JobRunId": ID}},
        answer={"applicationId": "a", "jobRunId": ID},
        sdk=("emrserverless", "startJobRun"),
    ),
    "emr-serverless:createApplication": application(
        "Create",
        ("StopApplication", "DeleteApplication"),
        submitted={"ApplicationId": ID},
        answer={"applicationId": ID},
    ),
    # The API answers these three with nothing: only the end tells the id.
    "emr-serverless:startApplication": application(
        "Start", ("StopApplication",), stop_rule="unique-candidate"
    ),
    "emr-serverless:stopApplication": application("Stop"),
    "emr-serverless:deleteApplication": application("Delete"),
    "eks:createCluster": eks("Create", "Cluster", "cluster"),
    "eks:deleteCluster": eks("Delete", "Cluster", "cluster"),
    "eks:createNodegroup": eks("Create", "Nodegroup", "nodegroup/c"),
    "eks:deleteNodegroup": eks("Delete", "Nodegroup", "nodegroup/c"),
    "eks:createFargateProfile": eks("Create", "FargateProfile", "fargateprofile/c"),
    "eks:deleteFargateProfile": eks("Delete", "FargateProfile", "fargateprofile/c"),
    "athena:startQueryExecution": Job(
        "StartQueryExecution",
        {"GetQueryExecution": {"queryExecutionId": ID}},
        {"StopQueryExecution": {"queryExecutionId": ID}},
        None,
        "query id",
        submitted={"QueryExecutionId": ID},
        done={"QueryExecution": {"QueryExecutionId": ID}},
        answer={"queryExecutionId": ID},
        sdk=("athena", "startQueryExecution"),
    ),
    "states:startExecution": Job(
        "StartExecution",
        {"DescribeExecution": {"executionArn": arn("states", f"execution:m:{ID}")}},
        {"StopExecution": {"executionArn": arn("states", f"execution:m:{ID}")}},
        "StepFunctionsGetEventsForStepFunctionsExecutionRule",
        "execution ARN",
        submitted={"ExecutionArn": arn("states", f"execution:m:{ID}")},
        done={"ExecutionArn": arn("states", f"execution:m:{ID}")},
        answer={"executionArn": arn("states", f"execution:m:{ID}")},
        sdk=("sfn", "startExecution"),
        stop_key="StopDate",
    ),
    "mediaconvert:createJob": Job(
        "CreateJob",
        {"GetJob": {"id": "1700-abc"}},
        {"CancelJob": {"id": "1700-abc"}},
        "StepFunctionsGetEventsForMediaConvertJobRule",
        "job id",
        submitted={"Job": {"Id": "1700-abc"}},
        done={"Job": {"Id": "1700-abc", "Status": "COMPLETE"}},
        answer={"job": {"id": "1700-abc"}},
        sdk=("mediaconvert", "createJob"),
    ),
    "bedrock:createModelCustomizationJob": Job(
        "CreateModelCustomizationJob",
        {
            "GetModelCustomizationJob": {
                "jobIdentifier": arn("bedrock", "model-customization-job/t/1")
            }
        },
        {
            "StopModelCustomizationJob": {
                "jobIdentifier": arn("bedrock", "model-customization-job/t/1")
            }
        },
        "StepFunctionsGetEventsForBedrockRule",
        "job ARN",
        submitted={"JobArn": arn("bedrock", "model-customization-job/t/1")},
        done={"JobArn": arn("bedrock", "model-customization-job/t/1")},
        answer={"jobArn": arn("bedrock", "model-customization-job/t/1")},
        sdk=("bedrock", "createModelCustomizationJob"),
    ),
}

Form = tuple[str, Any, tuple[str, ...]]
BUILD = arn("codebuild", f"build/p:{ID}")
BATCH = arn("codebuild", f"build-batch/p:{ID}")


def _made_by(job: str, kind: str) -> list[Form]:
    job_arn = arn("sagemaker", f"{kind}/{NAME}")
    told = {f"{job}Arn": job_arn, f"{job}Name": NAME}
    return [
        (f"sagemaker:create{job}", {f"{job}Arn": job_arn}, (job_arn,)),
        (f"sagemaker:create{job}", {f"{job}Name": NAME}, (NAME,)),
        (f"sagemaker:create{job}", told, (job_arn, NAME)),
    ]


def _of_eks(thing: str, prefix: str) -> list[Form]:
    its_arn = arn("eks", f"x/{NAME}")
    return [
        (f"eks:{verb}{thing}", {thing: {f"{prefix}{key}": value}}, (value,))
        for verb in ("create", "delete")
        for key, value in (("Arn", its_arn), ("Name", NAME))
    ]


FORMS: list[Form] = [
    ("ecs:runTask", {"Tasks": [{"TaskArn": "a"}, {"TaskArn": "b"}]}, ("a", "b")),
    ("ecs:runTask", {"TaskArn": TASK}, (TASK,)),
    ("ecs:runTask", {"Task": {"TaskArn": TASK}}, (TASK,)),
    ("batch:submitJob", {"JobId": ID, "JobName": "n"}, (ID,)),
    ("batch:submitJob", {"Jobs": [{"JobId": "a"}, {"JobId": "b"}]}, ("a", "b")),
    ("glue:startJobRun", {"JobRunId": ID}, (ID,)),
    ("glue:startJobRun", {"Id": ID, "JobName": "etl"}, (ID,)),
    ("glue:startJobRun", {"JobRun": {"Id": ID}}, (ID,)),
    ("databrew:startJobRun", {"RunId": ID}, (ID,)),
    ("codebuild:startBuild", {"Build": {"Arn": BUILD}}, (BUILD,)),
    ("codebuild:startBuild", {"Build": {"Id": f"p:{ID}"}}, (f"p:{ID}",)),
    ("codebuild:startBuild", {"Builds": [{"Arn": BUILD}]}, (BUILD,)),
    ("codebuild:startBuild", {"Builds": [{"Id": f"p:{ID}"}]}, (f"p:{ID}",)),
    ("codebuild:startBuildBatch", {"BuildBatch": {"Arn": BATCH}}, (BATCH,)),
    ("codebuild:startBuildBatch", {"BuildBatch": {"Id": f"p:{ID}"}}, (f"p:{ID}",)),
    ("codebuild:startBuildBatch", {"BuildBatches": [{"Arn": BATCH}]}, (BATCH,)),
    ("codebuild:startBuildBatch", {"BuildBatches": [{"Id": ID}]}, (ID,)),
    *_made_by("TrainingJob", "training-job"),
    *_made_by("TransformJob", "transform-job"),
    *_made_by("HyperParameterTuningJob", "hyper-parameter-tuning-job"),
    *_made_by("LabelingJob", "labeling-job"),
    *_made_by("ProcessingJob", "processing-job"),
    ("elasticmapreduce:createCluster", {"ClusterId": "j-1"}, ("j-1",)),
    ("elasticmapreduce:createCluster", {"Cluster": {"Id": "j-1"}}, ("j-1",)),
    ("elasticmapreduce:createCluster", {"JobFlowId": "j-1"}, ("j-1",)),
    ("elasticmapreduce:addStep", {"StepId": "s-1"}, ("s-1",)),
    ("elasticmapreduce:addStep", {"Step": {"Id": "s-1"}}, ("s-1",)),
    ("elasticmapreduce:addStep", {"StepIds": ["s-1", "s-2"]}, ("s-1", "s-2")),
    ("elasticmapreduce:terminateCluster", {"ClusterId": "j-1"}, ("j-1",)),
    ("elasticmapreduce:terminateCluster", {"Cluster": {"Id": "j-1"}}, ("j-1",)),
    ("emr-containers:startJobRun", {"Id": ID, "Name": "n"}, (ID,)),
    ("emr-containers:startJobRun", {"JobRun": {"Id": ID}}, (ID,)),
    ("emr-serverless:startJobRun", {"ApplicationId": "a", "JobRunId": ID}, (ID,)),
    ("emr-serverless:startJobRun", {"JobRun": {"JobRunId": ID}}, (ID,)),
    *(
        (f"emr-serverless:{verb}Application", told, (ID,))
        for verb in ("create", "start", "stop", "delete")
        for told in ({"ApplicationId": ID}, {"Application": {"ApplicationId": ID}})
    ),
    *_of_eks("Cluster", ""),
    *_of_eks("Nodegroup", "Nodegroup"),
    *_of_eks("FargateProfile", "FargateProfile"),
    ("athena:startQueryExecution", {"QueryExecutionId": ID}, (ID,)),
    (
        "athena:startQueryExecution",
        {"QueryExecution": {"QueryExecutionId": ID}},
        (ID,),
    ),
    ("states:startExecution", {"ExecutionArn": TASK, "StartDate": 1}, (TASK,)),
    (
        "mediaconvert:createJob",
        {"Job": {"Id": "1-a", "Arn": "arn:x"}},
        ("1-a", "arn:x"),
    ),
    ("bedrock:createModelCustomizationJob", {"JobArn": TASK}, (TASK,)),
]
"""Every form a job's id is told in: the integration, an output, and the ids in it."""
