"""What each service is told and answers: in a history, and in CloudTrail.

The shapes of histories are those of recorded ones where there are any (ECS, Lambda,
SQS, SNS, nested executions); the others follow AWS's models of the operations. What
CloudTrail has of Step Functions' calls is nowhere recorded but for ECS and Lambda: that
requestParameters are the parameters with the first letters of their keys lowered is
inferred for all others, but for what a `told` says (EC2's and RDS's are documented).

Parameters and answers are written as paths: `Tasks[0].TaskArn=$job`. There `$state` is
the word by which the Task of one state is told from those of others, and `$item` that
by which two runs of it are; `$job` is the id of what it began, `$flow` and `$made` are
clusters that a state before it may have made.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

Json = Mapping[str, Any]
Words = Mapping[str, str]

HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"
_WORD = re.compile(r"\$(\w+)")


@lru_cache(maxsize=1024)
def tree(paths: str) -> Json:
    """Make an object of paths and values: `Tasks[0].TaskArn=$job Failures[]=none`."""
    found: dict[str, Any] = {}
    for each in paths.split():
        path, _, text = each.partition("=")
        value = int(text) if text.isdecimal() else text
        *outer, last = path.split(".")
        inner = found
        for key in outer:
            name, is_list, place = key.partition("[")
            if not is_list:
                inner = inner.setdefault(name, {})
                continue
            items = inner.setdefault(name, [])
            items += [{} for _ in range(int(place[:-1]) + 1 - len(items))]
            inner = items[int(place[:-1])]
        name, is_list, _ = last.partition("[")
        if is_list:
            inner.setdefault(name, []).append(value)
        else:
            inner[name] = value
    return found


def fill(template: Any, words: Words) -> Any:
    """Put the words into a template."""
    if isinstance(template, str):
        if "$" not in template:
            return template
        return _WORD.sub(lambda found: words.get(found[1], found[0]), template)
    if isinstance(template, list):
        return [fill(each, words) for each in template]
    if isinstance(template, int):
        return template
    return {key: fill(value, words) for key, value in template.items()}


def lowered(value: Any) -> Any:
    """Lower the first letter of every key, as CloudTrail does."""
    if isinstance(value, list):
        return [lowered(each) for each in value]
    if isinstance(value, dict):
        return {key[:1].lower() + key[1:]: lowered(each) for key, each in value.items()}
    return value


@dataclass(frozen=True, eq=False)
class Service:
    """An action, what polls and stops what it began, and how each is told."""

    name: str
    """As a history has it: `ecs:runTask`, `aws-sdk:ssm:getParameter`."""
    source: str
    """What CloudTrail calls the service, without the domain."""
    calls: str
    """What CloudTrail calls the operations: `start look stop`."""
    asks: str
    """The parameters."""
    item: str = ""
    """What the parameters have more, or instead, where a run is told an item."""
    token: str = ""
    """The same where they have the task's token; such a run is told no item."""
    answer: str = ""
    """What the call answers, in a history's words."""
    response: str | None = None
    """The same in CloudTrail's, where that is more than lowering; None: lowered."""
    told: Callable[[Any], Any] = lowered
    """What CloudTrail makes of the parameters."""
    shows: str = "state item made"
    """Which of the words stand in it under the same names as in the history."""
    job: str = ""
    jobs: str = ""
    """More jobs that the same call begins; they are `$job2` and `$job3`."""
    idempotent: bool = False
    """True if two callers get the same answer, and only one begins something."""
    polls: str = ""
    denied: str = "$job"
    """What a denied poll's message says it was denied on."""
    stops: str = ""
    """What stops it; none: what polls it."""
    done: str = ""
    """What a job that ended well gives: the state's own output; none: the answer."""
    patterns: str = "sync rr"
    client: str = ""
    """What the service is called in the causes of failures."""
    sdk: str = ""
    """What it is called as an SDK integration, where its polls are tried as such."""
    look: str = ""
    """What the poll answers then, in a history's words."""
    tells_request: bool = True
    """True if the answer's metadata is in the history's output."""
    data: bool = False
    """True for data events, which Event history never has."""
    by_event: bool = True
    """True if an EventBridge event tells of the job's end, too."""
    needs_item: bool = False
    """True if what it makes must have a name of its own in the account."""

    @property
    def call(self) -> str:
        return self.calls.split()[0]

    @property
    def poll(self) -> str:
        return (*self.calls.split(), "")[1]

    @property
    def stop(self) -> str:
        return (*self.calls.split(), "", "")[2]

    def parameters(self, item: str, token: str = "") -> Json:
        """Give the template of what it asks, in a history's words."""
        more = self.item if item else ""
        if token and self.token:
            more = self.token
        return {**tree(self.asks), **tree(more)}


# -- where CloudTrail says it otherwise ------------------------------------------------


def _hiding(*keys: str) -> Callable[[Any], Any]:
    def told(parameters: Any) -> Any:
        found = lowered(parameters)
        return {key: HIDDEN if key in keys else found[key] for key in found}

    return told


def _as(paths: str) -> Callable[[Any], Any]:
    """Write it down with other keys; `$Key` stands for a parameter."""
    return lambda parameters: fill(tree(paths), parameters)


def _emr_step(told: Any) -> Any:
    return {"jobFlowId": told["ClusterId"], "steps": [lowered(told["Step"])]}


def _instances(told: Any) -> Any:
    # EC2's own query API: lists are sets of items [documented samples].
    items = [{"instanceId": each} for each in told["InstanceIds"]]
    return {"instancesSet": {"items": items}, "force": False}


def _filters(told: Any) -> Any:
    (found,) = told["Filters"]
    values = {"items": [{"value": each} for each in found["Values"]]}
    items = [{"name": found["Name"], "valueSet": values}]
    return {"filterSet": {"items": items}, "instancesSet": {}}


def _secret(told: Any) -> Any:
    # The secret's name begins with the connection's [documented].
    *head, name = told["Authentication"]["ConnectionArn"].split(":")
    region, account = head[3:5]
    secret = f"events!{name}-AbCdEf"
    return {"secretId": f"arn:aws:secretsmanager:{region}:{account}:secret:{secret}"}


# -- the table -------------------------------------------------------------------------

_HERE = "$region:$account"
_EKS = f"Cluster.Name=$job Cluster.Arn=arn:aws:eks:{_HERE}:cluster/$job"
_BUILD = f"Build.Arn=arn:aws:codebuild:{_HERE}:build/$job Build.Id=$job"
_TRAINING = f"TrainingJobArn=arn:aws:sagemaker:{_HERE}:training-job/$job"

_TASK = f"arn:aws:ecs:{_HERE}:task/$cluster"
FLEET = Service(
    "ecs:runTask",
    "ecs",
    "RunTask DescribeTasks StopTask",
    asks="Cluster=$cluster TaskDefinition=$state Count=3 LaunchType=FARGATE",
    item="Overrides.ContainerOverrides[0].Environment[0].Value=$item",
    answer="Tasks[0].TaskArn=$job Tasks[1].TaskArn=$job2 Tasks[2].TaskArn=$job3",
    job=f"{_TASK}/$id",
    jobs=f"{_TASK}/$id2 {_TASK}/$id3",
    # That Step Functions asks for all of them at once is inferred.
    polls="Cluster=$cluster Tasks[]=$job Tasks[]=$job2 Tasks[]=$job3",
    stops="Cluster=$cluster Task=$job Reason=$reason",
    done="Tasks[0].TaskArn=$job Tasks[1].TaskArn=$job2 Tasks[2].TaskArn=$job3",
    patterns="sync rr sdk",
    client="AmazonECS",
    sdk="ecs",
    look="Tasks[0].TaskArn=$job Tasks[1].TaskArn=$job2",
)
"""A RunTask that starts three tasks at once."""

JOBS: tuple[Service, ...] = (
    Service(
        "ecs:runTask",
        "ecs",
        "RunTask DescribeTasks StopTask",
        asks="Cluster=$cluster TaskDefinition=$state LaunchType=FARGATE",
        item="Overrides.ContainerOverrides[0].Environment[0].Value=$item",
        token="Overrides.ContainerOverrides[0].Environment[0].Value=$token",
        answer="Tasks[0].TaskArn=$job Tasks[0].LastStatus=PROVISIONING",
        job=f"arn:aws:ecs:{_HERE}:task/$cluster/$id",
        polls="Cluster=$cluster Tasks[]=$job",
        stops="Cluster=$cluster Task=$job Reason=$reason",
        done="TaskArn=$job LastStatus=STOPPED",
        patterns="sync rr token sdk sdk-token",
        client="AmazonECS",
        sdk="ecs",
        look="Tasks[0].TaskArn=$job Tasks[0].LastStatus=RUNNING",
    ),
    Service(
        "batch:submitJob",
        "batch",
        "SubmitJob DescribeJobs TerminateJob",
        asks="JobName=$state JobDefinition=$state:3 JobQueue=shared",
        item="Parameters.item=$item",
        answer="JobId=$job JobName=$state",
        job="$uuid",
        polls="Jobs[]=$job",
        denied="*",
        stops="JobId=$job Reason=$reason",
        done="JobId=$job JobName=$state Status=SUCCEEDED",
        patterns="sync rr sdk",
        client="AWSBatch",
        sdk="batch",
        look="Jobs[0].JobId=$job Jobs[0].Status=RUNNING",
    ),
    Service(
        "glue:startJobRun",
        "glue",
        "StartJobRun GetJobRun BatchStopJobRun",
        asks="JobName=$state",
        item="Arguments.--item=$item",
        token="Arguments.--token=$token",
        answer="JobRunId=$job",
        job="jr_$id",
        polls="JobName=$state RunId=$job",
        denied=f"arn:aws:glue:{_HERE}:job/$state",
        stops="JobName=$state JobRunIds[]=$job",
        done="JobName=$state Id=$job JobRunState=SUCCEEDED",
        patterns="sync rr sdk sdk-token",
        client="AWSGlue",
        sdk="glue",
        look="JobRun.Id=$job JobRun.JobName=$state",
        by_event=False,
    ),
    Service(
        "databrew:startJobRun",
        "databrew",
        "StartJobRun ListJobRuns StopJobRun",
        asks="Name=$state",
        answer="RunId=$job",
        job="db_$id",
        polls="Name=$state",
        denied=f"arn:aws:databrew:{_HERE}:job/$state",
        stops="Name=$state RunId=$job",
        done="RunId=$job JobName=$state State=SUCCEEDED",
        client="AWSGlueDataBrew",
        by_event=False,
    ),
    Service(
        "codebuild:startBuild",
        "codebuild",
        "StartBuild BatchGetBuilds StopBuild",
        asks="ProjectName=$state",
        item="EnvironmentVariablesOverride[0].Value=$item",
        answer=_BUILD,
        job="$state:$uuid",
        polls="Ids[]=$job",
        denied=f"arn:aws:codebuild:{_HERE}:project/$state",
        stops="Id=$job",
        client="AWSCodeBuild",
    ),
    Service(
        "sagemaker:createTrainingJob",
        "sagemaker",
        "CreateTrainingJob DescribeTrainingJob StopTrainingJob",
        asks="AlgorithmSpecification.TrainingImage=$state",
        item="TrainingJobName=$item",
        answer=_TRAINING,
        job="$item",
        polls="TrainingJobName=$job",
        denied=f"arn:aws:sagemaker:{_HERE}:training-job/$job",
        done=f"TrainingJobName=$job {_TRAINING}",
        client="AmazonSageMaker",
        needs_item=True,
    ),
    Service(
        "elasticmapreduce:createCluster",
        "elasticmapreduce",
        "RunJobFlow DescribeCluster TerminateJobFlows",
        asks="Name=$state ReleaseLabel=emr-7.1.0",
        item="LogUri=s3://logs/$item",
        answer="ClusterId=$job",
        response="jobFlowId=$job",
        job="j-$id",
        polls="ClusterId=$job",
        denied=f"arn:aws:elasticmapreduce:{_HERE}:cluster/$job",
        stops="JobFlowIds[]=$job",
        done="Cluster.Id=$job Cluster.Name=$state",
        client="AmazonElasticMapReduce",
    ),
    Service(
        "elasticmapreduce:addStep",
        "elasticmapreduce",
        "AddJobFlowSteps DescribeStep CancelSteps",
        asks="ClusterId=$flow Step.Name=$state Step.ActionOnFailure=CONTINUE",
        answer="StepId=$job",
        response="stepIds[]=$job",
        told=_emr_step,
        # The integration's own words are not the operation's: nothing is under one key.
        shows="",
        job="s-$id",
        polls="ClusterId=$flow StepId=$job",
        denied=f"arn:aws:elasticmapreduce:{_HERE}:cluster/$flow",
        stops="ClusterId=$flow StepIds[]=$job",
        done="Step.Id=$job Step.Name=$state",
        client="AmazonElasticMapReduce",
    ),
    Service(
        "elasticmapreduce:terminateCluster",
        "elasticmapreduce",
        "TerminateJobFlows DescribeCluster",
        asks="ClusterId=$flow",
        # That the call's answer has no id is inferred: the operation's has none.
        response="",
        told=_as("jobFlowIds[]=$ClusterId"),
        shows="",
        job="$flow",
        polls="ClusterId=$job",
        denied=f"arn:aws:elasticmapreduce:{_HERE}:cluster/$job",
        done="Cluster.Id=$job",
        client="AmazonElasticMapReduce",
    ),
    Service(
        "emr-serverless:startJobRun",
        "emr-serverless",
        "StartJobRun GetJobRun CancelJobRun",
        asks="ApplicationId=$app JobDriver.SparkSubmit.EntryPoint=s3://code/$state",
        item="Name=$item",
        answer="ApplicationId=$app JobRunId=$job",
        job="00f$id",
        polls="ApplicationId=$app JobRunId=$job",
        denied=f"arn:aws:emr-serverless:{_HERE}:/applications/$app/jobruns/$job",
        done="JobRun.JobRunId=$job JobRun.ApplicationId=$app",
        client="AWSEMRServerless",
    ),
    Service(
        "athena:startQueryExecution",
        "athena",
        "StartQueryExecution GetQueryExecution StopQueryExecution",
        asks="QueryString=TABLE-$state WorkGroup=primary",
        item="ResultConfiguration.OutputLocation=s3://results/$item",
        answer="QueryExecutionId=$job",
        told=_hiding("queryString"),
        shows="item",
        job="$uuid",
        polls="QueryExecutionId=$job",
        denied=f"arn:aws:athena:{_HERE}:workgroup/primary",
        done="QueryExecution.QueryExecutionId=$job",
        client="AmazonAthena",
        sdk="athena",
        look="QueryExecution.QueryExecutionId=$job",
        by_event=False,
    ),
    Service(
        "eks:createCluster",
        "eks",
        "CreateCluster DescribeCluster",
        asks="RoleArn=$state",
        item="Name=$item",
        answer=_EKS,
        job="$item",
        polls="Name=$job",
        denied=f"arn:aws:eks:{_HERE}:cluster/$job",
        client="AmazonEKS",
        sdk="eks",
        look=_EKS,
        by_event=False,
        needs_item=True,
    ),
    Service(
        "eks:deleteCluster",
        "eks",
        "DeleteCluster DescribeCluster",
        asks="Name=$made",
        answer=_EKS,
        job="$made",
        polls="Name=$job",
        denied=f"arn:aws:eks:{_HERE}:cluster/$job",
        client="AmazonEKS",
        by_event=False,
    ),
)
"""What goes on after the answer, and is polled and stopped."""


def _nested(item: str, shows: str) -> Service:
    return Service(
        "states:startExecution",
        "states",
        "StartExecution DescribeExecution StopExecution",
        asks="StateMachineArn=$machine Input.of=$state",
        item=item,
        answer="ExecutionArn=$job",
        told=_hiding("input"),
        shows=shows,
        polls="ExecutionArn=$job",
        done="ExecutionArn=$job Status=SUCCEEDED",
        patterns="sync sync:2 sync:2 rr",
        idempotent=True,
        client="AWSStepFunctions",
        sdk="sfn",
        look="ExecutionArn=$job Status=RUNNING",
    )


NESTED = _nested("Input.of=$item", "machine")
NAMED = _nested("Name=$item", "machine item")
"""The same, with the child's name among the parameters."""
ONCE = _nested("Name=$item", "machine item")
"""The same, with a name that all who start it have in common."""

_LAMBDA = _as("functionName=$FunctionName invocationType=RequestResponse")
# An item's values are left out but for its key [documented sample].
_TABLE = _as("tableName=$TableName key.id=k items[]=id")


def _row(told: Any) -> Any:
    """Tell of a DynamoDB item its key alone, without the type of it."""
    key = told["Key"] if "Key" in told else told["Item"]
    return {"tableName": told["TableName"], "key": {"id": key["id"]["S"]}}


def _tags(told: Any) -> Any:
    items = [{"resourceId": each} for each in told["Resources"]]
    tags = {"items": [lowered(each) for each in told["Tags"]]}
    return {"resourcesSet": {"items": items}, "tagSet": tags}


_OBJECT = _as("bucketName=$Bucket key=$Key Host=s3.example")
_DATABASE = _as("dBInstanceIdentifier=$DbInstanceIdentifier")


def _plain(name: str, call: str, asks: str, item: str = "", **more: Any) -> Service:
    """Make a row of what is over with its answer."""
    source = name.split(":")[-2]
    more = {"patterns": "sdk", "client": source.title(), "response": ""} | more
    return Service(name, source, call, asks=asks, item=item, **more)


def _data(name: str, call: str, asks: str, item: str = "", **more: Any) -> Service:
    """Make one of an optimized integration with data events."""
    more = {"patterns": "rr token", "shows": "state", "data": True} | more
    return _plain(name, call, asks, item, **more)


PLAIN: tuple[Service, ...] = (
    _data(
        "lambda:invoke",
        "Invoke",
        f"FunctionName=arn:aws:lambda:{_HERE}:function:$state",
        "Payload.item=$item",
        answer="ExecutedVersion=$LATEST",
        told=_LAMBDA,
        patterns="rr token lambda",
        client="AWSLambda",
    ),
    _data(
        "sns:publish",
        "Publish",
        f"TopicArn=arn:aws:sns:{_HERE}:$state",
        "Message=$item",
        answer="MessageId=$uuid",
        told=_hiding("message"),
        client="AmazonSNS",
    ),
    _data(
        "sqs:sendMessage",
        "SendMessage",
        "QueueUrl=https://sqs.$region.amazonaws.com/$account/$state",
        "MessageBody=$item",
        answer="MessageId=$uuid",
        told=_hiding("messageBody"),
        client="AmazonSQS",
    ),
    _data(
        "dynamodb:putItem",
        "PutItem",
        "TableName=$state Item.id.S=k",
        "ConditionExpression=$item",
        told=_TABLE,
        patterns="rr",
        client="AmazonDynamoDBv2",
    ),
    _data(
        "events:putEvents",
        "PutEvents",
        "Entries[0].Source=$state",
        answer="Entries[0].EventId=$uuid",
        patterns="rr",
        tells_request=False,
        client="AmazonCloudWatchEvents",
    ),
    _data(
        "aws-sdk:s3:getObject",
        "GetObject",
        "Bucket=bucket Key=$state",
        "Key=$state/$item",
        told=_OBJECT,
        shows="state item",
        patterns="sdk",
    ),
    _data(
        "aws-sdk:dynamodb:getItem",
        "GetItem",
        "TableName=table Key.id.S=$state",
        "Key.id.S=$item",
        told=_row,
        shows="state item",
        patterns="sdk",
    ),
    _data(
        "aws-sdk:dynamodb:putItem",
        "PutItem",
        "TableName=table Item.id.S=$state",
        "Item.id.S=$item",
        told=_row,
        shows="state item",
        patterns="sdk",
    ),
    _data(
        "aws-sdk:s3:putObject",
        "PutObject",
        "Bucket=$state Key=report",
        "Bucket=bucket-$item",
        told=_OBJECT,
        shows="state item",
        patterns="sdk",
    ),
    _plain(
        "aws-sdk:ssm:putParameter",
        "PutParameter",
        "Name=/$state Value=v",
        "Description=$item",
        token="Description=$token",
        told=_hiding("value"),
        patterns="sdk sdk-token",
    ),
    _plain(
        "aws-sdk:ec2:createTags",
        "CreateTags",
        "Resources[]=i-$state Tags[0].Key=seen Tags[0].Value=yes",
        "Resources[]=i-$item",
        told=_tags,
    ),
    _plain(
        "aws-sdk:ec2:createVolume",
        "CreateVolume",
        "AvailabilityZone=$state",
        "SnapshotId=snap-$item",
        answer="VolumeId=$job State=creating",
        response="volumeId=$job state=creating",
        job="vol-$id",
    ),
    _plain("aws-sdk:ssm:getParameter", "GetParameter", "Name=$state", "Name=$item"),
    _plain(
        "aws-sdk:ec2:stopInstances",
        "StopInstances",
        "InstanceIds[]=i-$state",
        "InstanceIds[]=i-$item",
        told=_instances,
    ),
    _plain(
        "aws-sdk:ec2:describeInstances",
        "DescribeInstances",
        "Filters[0].Name=tag:for Filters[0].Values[]=$state",
        "Filters[0].Name=tag:for Filters[0].Values[]=$item",
        told=_filters,
    ),
    _plain(
        "aws-sdk:rds:describeDBInstances",
        "DescribeDBInstances",
        "DbInstanceIdentifier=$state",
        "DbInstanceIdentifier=$item",
        told=_DATABASE,
    ),
    _plain("aws-sdk:iam:getRole", "GetRole", "RoleName=$state", "RoleName=$item"),
    _plain(
        "aws-sdk:lambda:getFunction",
        "GetFunction20150331v2",
        "FunctionName=$state",
        "FunctionName=$item",
    ),
)
"""What is over with its answer."""

_CONNECTION = f"arn:aws:events:{_HERE}:connection/$state/$uuid"
HTTP = Service(
    "http:invoke",
    "secretsmanager",
    "GetSecretValue",
    asks=f"ApiEndpoint=https://api.example.com/ "
    f"Authentication.ConnectionArn={_CONNECTION}",
    answer="StatusCode=200",
    response="",
    told=_secret,
    patterns="rr",
    tells_request=False,
)
"""Of an HTTP task Event history has but the reading of its connection's secret."""
