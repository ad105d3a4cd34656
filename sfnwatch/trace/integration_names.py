"""What services are called in CloudTrail, and which of their calls are not in it."""

import re

SOURCES = {
    "apigatewayv2": "apigateway",
    "bedrockruntime": "bedrock",
    "cloudwatch": "monitoring",
    "cloudwatchlogs": "logs",
    "cognitoidentity": "cognito-identity",
    "cognitoidentityprovider": "cognito-idp",
    "costexplorer": "ce",
    "databasemigration": "dms",
    "dynamodbstreams": "dynamodb",
    "efs": "elasticfilesystem",
    "elasticloadbalancingv2": "elasticloadbalancing",
    "emr": "elasticmapreduce",
    "emrcontainers": "emr-containers",
    "emrserverless": "emr-serverless",
    "eventbridge": "events",
    "sagemakerruntime": "sagemaker",
    "sesv2": "ses",
    "sfn": "states",
}
"""The AWS SDK for Java's names, where they differ from the service's own domain."""
_DATA_EVENTS = {
    "dynamodb": r"(Batch|Transact)?(Get|Put|Update|Delete|Write|Execute)"
    r"(Items?|Statement|Transaction)|Query|Scan|BatchExecuteStatement",
    "lambda": r"Invoke(Async|WithResponseStream)?",
    "s3": r"\w*Object(s|sV2|Versions|Acl|Tagging|Attributes)?"
    r"|\w*MultipartUpload|UploadPart\w*",
    "sns": r"Publish(Batch)?",
    "sqs": r"(Send|Receive|Delete)Message(Batch)?|ChangeMessageVisibility(Batch)?",
    # PutEvents leaves no management event either [inferred: it is in no recording].
    "events": r"PutEvents",
    # These are no calls of an AWS API by the role at all.
    "apigateway": r"Invoke",
    "http": r"Invoke",
    "eks": r"RunJob|Call",
}


def is_data_event(service: str, event_name: str) -> bool:
    """True for calls that Event history never shows; only a trail may record them."""
    names = _DATA_EVENTS.get(service)
    return names is not None and re.fullmatch(names, event_name) is not None
