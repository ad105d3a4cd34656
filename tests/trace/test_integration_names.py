"""The tables made from botocore's models, and what they rest on."""

import re
from typing import Any

import botocore
import pytest
from botocore.loaders import create_loader
from hypothesis import given
from hypothesis import strategies as st

from sfnwatch.sources.subject import Subject
from sfnwatch.trace import integration_homes, integration_sources
from sfnwatch.trace.arns import ExecutionArn, parse_execution_arn
from sfnwatch.trace.integration_homes import HOMES, home_region
from sfnwatch.trace.integration_names import SOURCES, Unrecorded, unrecorded
from sfnwatch.trace.integrations import integration
from tests.builders import definition, event
from tests.trace import make_sdk_names
from tests.trace.make_sdk_names import TRACE

AGAIN = "run python -m tests.trace.make_sdk_names"
same_botocore = pytest.mark.skipif(
    botocore.__version__ != integration_sources.BOTOCORE,
    reason="the tables are of another botocore, whose services are fewer or more",
)


@same_botocore
def test_the_sources_are_what_the_models_give() -> None:
    assert dict(SOURCES) == make_sdk_names.sources(), AGAIN
    text = (TRACE / "integration_sources.py").read_text(encoding="utf-8")
    assert text == make_sdk_names.sources_module(), AGAIN


@same_botocore
def test_the_homes_are_what_the_models_give() -> None:
    assert integration_homes.BOTOCORE == integration_sources.BOTOCORE
    text = (TRACE / "integration_homes.py").read_text(encoding="utf-8")
    assert text == make_sdk_names.homes_module(), AGAIN


def test_no_model_of_today_gainsays_a_source_or_a_home() -> None:
    """A newer botocore has new services; those that were there have kept their names.

    A service that is not in the table yet is called by its own name.
    """
    today = make_sdk_names.sources()
    known = today.keys() & SOURCES.keys()
    assert len(known) > 300
    assert {name: today[name] for name in known} == {n: SOURCES[n] for n in known}, (
        AGAIN
    )
    homes = {
        (name, partition): region
        for name, of_service in make_sdk_names.homes().items()
        for partition, region in of_service.items()
    }
    shared = homes.keys() & HOMES.keys()
    assert {key: homes[key] for key in shared} == {k: HOMES[k] for k in shared}, AGAIN


def test_every_exception_is_of_a_service_and_says_why_and_how_it_is_known() -> None:
    services = set(create_loader().list_available_services("service-2"))
    told = [*make_sdk_names.SOURCES.values(), *make_sdk_names.HOMES.values()]
    assert set(make_sdk_names.SOURCES) <= services
    assert {service for service, _ in make_sdk_names.HOMES} <= services
    pattern = r"(documented|observed|inferred): .{10,}"
    assert all(re.fullmatch(pattern, each.reason) for each in told)


def test_an_exception_is_one() -> None:
    """One that says what the model says would only seem to be known."""
    loader = create_loader()
    for service, told in make_sdk_names.SOURCES.items():
        metadata = loader.load_service_model(service, "service-2")["metadata"]
        signs_as = metadata.get("signingName") or metadata["endpointPrefix"]
        assert told.value != signs_as, service


# From the developer guide's list of SDK integrations, and AWS's pages on their logs.
DOCUMENTED = """
accessanalyzer access-analyzer
acmpca acm-pca
amp aps
apigatewayv2 apigateway
appconfigdata appconfig
applicationautoscaling autoscaling
bedrockagentruntime bedrock
bedrockruntime bedrock
cloudcontrol cloudcontrolapi
cloudfrontkeyvaluestore edgekeyvaluestore
cloudwatch monitoring
cloudwatchlogs logs
codestarconnections codestar-connections
cognitoidentity cognito-identity
cognitoidentityprovider cognito-idp
costandusagereport cur
costexplorer ce
databasemigration dms
directory ds
docdb rds
dynamodbstreams dynamodb
ecrpublic ecr-public
ecs ecs
efs elasticfilesystem
elasticloadbalancingv2 elasticloadbalancing
elasticsearch es
emr elasticmapreduce
emrcontainers emr-containers
emrserverless emr-serverless
eventbridge events
iam iam
iotdataplane iotdata
lexmodelbuilding lex
lexruntimev2 lex
location geo
marketplaceentitlement aws-marketplace
marketplacemetering metering-marketplace
memorydb memorydb
migrationhub mgh
mq amazonmq
mturk mturk-requester
mwaa airflow
neptune rds
opensearch es
pinpoint mobiletargeting
pinpointemail ses
rdsdata rdsdataapi
redshiftdata redshift-data
resourcegroupstaggingapi tagging
s3control s3
s3outposts s3-outposts
sagemakera2iruntime sagemaker
sagemakerfeaturestoreruntime sagemaker
sagemakerruntime sagemaker
serverlessapplicationrepository serverlessrepo
servicediscovery servicediscovery
ses ses
sesv2 ses
sfn states
sso sso
ssoadmin sso
sts sts
timestreamquery timestream
timestreamwrite timestream
waf waf
wafregional waf-regional
wafv2 wafv2
xray xray
"""


@pytest.mark.parametrize("line", DOCUMENTED.strip().splitlines())
def test_a_service_has_the_two_names_that_aws_s_pages_give(line: str) -> None:
    name, source = line.split()
    row = integration(f"aws-sdk:{name}", "describeThing")
    assert row.event_source == f"{source}.amazonaws.com"
    assert name in SOURCES


@given(st.from_regex(r"[a-z][a-z0-9-]{0,20}", fullmatch=True))
def test_a_service_that_nobody_knows_is_called_by_its_own_name(name: str) -> None:
    source = SOURCES.get(name, name)
    assert integration(f"aws-sdk:{name}", "doIt").event_source == (
        f"{source}.amazonaws.com"
    )
    # The name of an optimised integration is CloudTrail's already.
    assert integration(name, "doIt").event_source == f"{name}.amazonaws.com"


# -- where calls are recorded ----------------------------------------------------


def in_partition(partition: str, region: str) -> ExecutionArn:
    return parse_execution_arn(
        f"arn:{partition}:states:{region}:123456789012:execution:m:r"
    )


@pytest.mark.parametrize(
    ("service", "partition", "region", "home"),
    [
        ("iam", "aws", "eu-west-1", "us-east-1"),
        ("iam", "aws-cn", "cn-northwest-1", "cn-north-1"),
        ("iam", "aws-us-gov", "us-gov-east-1", "us-gov-west-1"),
        ("organizations", "aws", "eu-west-1", "us-east-1"),
        ("organizations", "aws-cn", "cn-north-1", "cn-northwest-1"),
        ("route53", "aws", "ap-northeast-1", "us-east-1"),
        ("route53", "aws-us-gov", "us-gov-east-1", "us-gov-west-1"),
        ("cloudfront", "aws", "eu-west-1", "us-east-1"),
        ("waf", "aws", "eu-west-1", "us-east-1"),
        ("shield", "aws", "eu-west-1", "us-east-1"),
        ("support", "aws", "eu-west-1", "us-east-1"),
        ("budgets", "aws", "eu-west-1", "us-east-1"),
        ("costexplorer", "aws", "eu-west-1", "us-east-1"),
        # Not all that is global is in us-east-1.
        ("globalaccelerator", "aws", "eu-west-1", "us-west-2"),
        ("networkmanager", "aws", "eu-west-1", "us-west-2"),
        # These answer in every Region for that Region.
        ("sts", "aws", "eu-west-1", "eu-west-1"),
        ("s3", "aws", "eu-west-1", "eu-west-1"),
        ("wafv2", "aws", "eu-west-1", "eu-west-1"),
        ("wafregional", "aws", "eu-west-1", "eu-west-1"),
        # It has the event source of a global one.
        ("chimesdkmeetings", "aws", "eu-central-1", "eu-central-1"),
        ("chime", "aws", "eu-central-1", "us-east-1"),
        # A partition of one Region has but that, and an unknown one its own.
        ("iam", "aws-eusc", "eusc-de-east-1", "eusc-de-east-1"),
        ("iam", "aws-moon", "moon-east-1", "moon-east-1"),
        ("shield", "aws-cn", "cn-north-1", "cn-north-1"),
    ],
)
def test_a_call_is_looked_up_where_it_is_recorded(
    service: str, partition: str, region: str, home: str
) -> None:
    resource = f"arn:{partition}:states:::aws-sdk:{service}:listThings"
    subject = Subject(in_partition(partition, region))
    source = integration(f"aws-sdk:{service}", "listThings").event_source
    task: dict[str, Any] = {
        "resourceType": f"aws-sdk:{service}",
        "resource": "listThings",
    }
    subject.observe(event(3, "TaskScheduled", 1, region=region, **task))
    assert list(subject.plan) == [(home, source)]
    told = definition({"A": {"Type": "Task", "Resource": resource}}, start_at="A")
    fresh = Subject(in_partition(partition, region))
    fresh.observe(told)
    assert list(fresh.plan) == [(home, source)]


def test_a_task_in_another_region_is_looked_up_there_by_what_history_says() -> None:
    subject = Subject(in_partition("aws", "eu-west-1"))
    task: dict[str, Any] = {"resourceType": "ecs", "resource": "runTask.sync"}
    subject.observe(event(3, "TaskScheduled", 1, region="eu-central-1", **task))
    assert list(subject.plan) == [("eu-central-1", "ecs.amazonaws.com")]


def test_homes_are_of_services_that_are_known() -> None:
    assert {name for name, _ in HOMES} <= SOURCES.keys()
    assert home_region("ecs", "aws") is None


# -- what Event history never shows ----------------------------------------------


@pytest.mark.parametrize(
    ("service", "names"),
    [
        ("ecs", "RunTask DescribeTasks StopTask"),
        ("bedrock", "InvokeModel Converse InvokeModelWithResponseStream CreateModelX"),
        ("states", "StartExecution SendTaskSuccess DescribeExecution"),
        ("events", "PutRule PutTargets DescribeRule"),
        ("s3", "CreateBucket PutBucketPolicy GetBucketLocation ListBuckets"),
        ("s3", "PutBucketObjectLockConfiguration"),
        ("sqs", "CreateQueue PurgeQueue SetQueueAttributes StartMessageMoveTask"),
        ("sns", "CreateTopic Subscribe ListTopics"),
        ("lambda", "CreateFunction GetFunction UpdateFunctionCode"),
        ("dynamodb", "CreateTable DescribeTable UpdateTable ListTables"),
        ("ssm", "GetParameter PutParameter StartAutomationExecution SendCommand"),
        ("secretsmanager", "GetSecretValue"),
        ("kms", "Decrypt GenerateDataKey"),
        ("cognito-idp", "AdminInitiateAuth AdminGetUser InitiateAuth"),
        ("cognito-identity", "CreateIdentityPool ListIdentityPools"),
        ("kinesis", "CreateStream DescribeStream"),
        ("monitoring", "PutMetricAlarm DescribeAlarms SetAlarmState"),
        ("logs", "FilterLogEvents GetLogEvents StartQuery CreateLogStream"),
        ("ses", "CreateEmailIdentity DeleteIdentity"),
        ("sagemaker", "CreateTrainingJob DescribeEndpoint"),
        ("ebs", "StartSnapshot CompleteSnapshot"),
        ("athena", "StartQueryExecution GetQueryResults"),
        ("xray", "GetSamplingStatisticSummaries PutEncryptionConfig"),
        ("timestream", "CreateTable"),
        ("eks", "CreateCluster DescribeCluster"),
        ("apigateway", "CreateRestApi GetRestApis"),
    ],
)
def test_these_are_management_events(service: str, names: str) -> None:
    assert [n for n in names.split() if unrecorded(service, n)] == []


@pytest.mark.parametrize(
    ("service", "names"),
    [
        ("bedrock", "InvokeAgent InvokeFlow Retrieve ApplyGuardrail StartAsyncInvoke"),
        ("states", "StartSyncExecution GetActivityTask InvokeHTTPEndpoint"),
        ("events", "PutEvents PutPartnerEvents"),
        ("s3", "GetObject PutObject HeadBucket ListObjects ListObjectsV2 ListParts"),
        ("sqs", "SendMessage SendMessageBatch ReceiveMessage GetQueueUrl ListQueues"),
        ("sns", "Publish PublishBatch"),
        ("lambda", "Invoke InvokeAsync"),
        ("dynamodb", "GetItem Query TransactWriteItems BatchExecuteStatement"),
        ("cognito-identity", "GetId GetCredentialsForIdentity"),
        ("appconfig", "StartConfigurationSession GetLatestConfiguration"),
        ("kinesis", "PutRecord PutRecords GetRecords"),
        ("firehose", "PutRecord PutRecordBatch"),
        ("monitoring", "PutMetricData GetMetricData ListMetrics"),
        ("ses", "SendEmail SendBulkEmail"),
        ("sagemaker", "InvokeEndpoint PutRecord"),
        ("ebs", "GetSnapshotBlock PutSnapshotBlock"),
        ("rdsdataapi", "ExecuteStatement BeginTransaction"),
        ("edgekeyvaluestore", "GetKey UpdateKeys"),
        ("xray", "PutTraceSegments BatchGetTraces"),
        ("timestream", "Query WriteRecords"),
        ("iotdata", "Publish GetThingShadow"),
        ("servicediscovery", "DiscoverInstances"),
    ],
)
def test_these_are_data_events(service: str, names: str) -> None:
    told = {unrecorded(service, name) for name in names.split()}
    assert told == {Unrecorded.DATA_EVENT}


@pytest.mark.parametrize(
    ("service", "name", "why"),
    [
        ("logs", "PutLogEvents", "never"),
        ("execute-api", "PostToConnection", "never"),
        ("apigateway", "Invoke", "never"),
        ("eks", "RunJob", "kubernetes"),
        ("eks", "Call", "kubernetes"),
        ("http", "Invoke", "http"),
    ],
)
def test_these_are_in_no_cloudtrail_at_all(service: str, name: str, why: str) -> None:
    assert unrecorded(service, name) == why
