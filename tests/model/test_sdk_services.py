"""The table made from botocore's models, and what it rests on."""

from typing import Any

import botocore
import pytest
from botocore.loaders import create_loader

from sfnwatch.model.integrations import home_region, integration, sdk_services
from tests.model.make_sdk_services import (
    HOMES,
    SHIPPED,
    SOURCES,
    TABLE,
    read_model,
    services,
    signs_as,
    table,
    written,
)

AGAIN = "run python -m tests.model.make_sdk_services"


def test_the_table_is_what_the_models_give() -> None:
    """A newer botocore has new services; those that were there have kept their names.

    A service that is not in the table yet is called by its own name.
    """
    today = table()
    if botocore.__version__ == SHIPPED["botocore"]:
        assert TABLE.read_text(encoding="utf-8") == written(today), AGAIN
    for section in ("event_sources", "home_regions"):
        shared = today[section].keys() & SHIPPED[section].keys()
        assert len(shared) > len(SHIPPED[section]) * 0.9
        assert [n for n in shared if today[section][n] != SHIPPED[section][n]] == []
    assert SHIPPED["home_regions"].keys() <= SHIPPED["event_sources"].keys()


def test_every_exception_is_one_of_a_service_and_not_what_its_model_says() -> None:
    """One that says what the model says would only seem to be known."""
    known = set(create_loader().list_available_services("service-2"))
    assert set(SOURCES) <= known
    assert {service for service, _ in HOMES} <= known
    assert [name for name in SOURCES if SOURCES[name] == signs_as(name)] == []
    assert len(services()) > 300


def test_data_events_are_operations_of_the_services_that_have_them() -> None:
    """All but a few, which AWS's pages list, and no model has."""
    unknown = set()
    for service, names in SHIPPED["data_events"].items():
        own = [name for _, source, name in services() if source == service]
        models = [read_model(name, dict[str, Any]) for name in own]
        known = {name for model in models for name in model["operations"]}
        unknown |= {(service, name) for name in names if name not in known}
    assert unknown == {
        *(("edgekeyvaluestore", "DeleteKeys"), ("edgekeyvaluestore", "PutKeys")),
        *(("kinesisvideo", "PutMedia"), ("states", "InvokeHTTPEndpoint")),
    }


# From the developer guide's list of SDK integrations, and AWS's pages on their logs.
DOCUMENTED = """
accessanalyzer=access-analyzer acmpca=acm-pca amp=aps apigatewayv2=apigateway
appconfigdata=appconfig applicationautoscaling=autoscaling bedrockagentruntime=bedrock
bedrockruntime=bedrock cloudcontrol=cloudcontrolapi cloudwatch=monitoring
cloudfrontkeyvaluestore=edgekeyvaluestore cloudwatchlogs=logs
cognitoidentity=cognito-identity codestarconnections=codestar-connections
cognitoidentityprovider=cognito-idp costandusagereport=cur costexplorer=ce
databasemigration=dms directory=ds docdb=rds
dynamodbstreams=dynamodb ecrpublic=ecr-public ecs=ecs efs=elasticfilesystem
elasticloadbalancingv2=elasticloadbalancing elasticsearch=es emr=elasticmapreduce
emrcontainers=emr-containers emrserverless=emr-serverless eventbridge=events iam=iam
iotdataplane=iotdata lexmodelbuilding=lex lexruntimev2=lex location=geo
marketplaceentitlement=aws-marketplace marketplacemetering=metering-marketplace
memorydb=memorydb migrationhub=mgh mq=amazonmq mturk=mturk-requester mwaa=airflow
neptune=rds opensearch=es pinpoint=mobiletargeting pinpointemail=ses rdsdata=rdsdataapi
redshiftdata=redshift-data resourcegroupstaggingapi=tagging s3control=s3
s3outposts=s3-outposts sagemakera2iruntime=sagemaker sagemakerruntime=sagemaker
sagemakerfeaturestoreruntime=sagemaker serverlessapplicationrepository=serverlessrepo
servicediscovery=servicediscovery ses=ses sesv2=ses sfn=states sso=sso ssoadmin=sso
sts=sts timestreamquery=timestream timestreamwrite=timestream waf=waf
wafregional=waf-regional wafv2=wafv2 xray=xray
"""


@pytest.mark.parametrize("pair", DOCUMENTED.split())
def test_a_service_has_the_two_names_that_awss_pages_give(pair: str) -> None:
    name, source = pair.split("=")
    row = integration(f"aws-sdk:{name}", "describeThing")
    assert row.event_source == f"{source}.amazonaws.com"
    assert name in sdk_services().event_sources


AT_HOME = ("route53", "cloudfront", "waf", "support", "budgets", "costexplorer")


@pytest.mark.parametrize(
    ("service", "partition", "home"),
    [
        ("iam", "aws", "us-east-1"),
        ("iam", "aws-cn", "cn-north-1"),
        ("iam", "aws-us-gov", "us-gov-west-1"),
        ("organizations", "aws-cn", "cn-northwest-1"),
        *((name, "aws", "us-east-1") for name in AT_HOME),
        # Not all that is global is in us-east-1.
        ("globalaccelerator", "aws", "us-west-2"),
        ("networkmanager", "aws", "us-west-2"),
        # These answer in every Region for that Region.
        *((name, "aws", None) for name in ("sts", "s3", "wafv2", "wafregional", "ecs")),
        # It has the event source of a global one.
        ("chimesdkmeetings", "aws", None),
        # A partition of one Region has but that, and an unknown one its own.
        ("iam", "aws-eusc", None),
        ("iam", "aws-moon", None),
        ("shield", "aws-cn", None),
    ],
)
def test_calls_of_a_global_service_are_recorded_in_its_home_region(
    service: str, partition: str, home: str | None
) -> None:
    assert home_region(f"aws-sdk:{service}", partition) == home
