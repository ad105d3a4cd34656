"""Which calls CloudTrail's Event history never shows, and which it names otherwise.

What AWS's pages on each service's CloudTrail events list is documented; names that
only follow from a page's general words ("API activity on streams") are marked
inferred. A call that stands nowhere here is taken for a management event.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Unrecorded(StrEnum):
    """Why Event history has nothing of a call."""

    DATA_EVENT = "data-event"
    """Only a trail that logs data events has it."""
    HTTP = "http"
    """An HTTPS endpoint is called. Step Functions logs InvokeHTTPEndpoint of it, a
    data event that names no role."""
    KUBERNETES = "kubernetes"
    """The cluster's own API is called, which is none of AWS's."""
    NEVER = "never"
    """CloudTrail doesn't log it at all."""


_NOT_AWS = {
    ("http", "Invoke"): Unrecorded.HTTP,
    ("eks", "RunJob"): Unrecorded.KUBERNETES,
    ("eks", "Call"): Unrecorded.KUBERNETES,
    # A customer's own API is called: API Gateway logs its control plane only.
    ("apigateway", "Invoke"): Unrecorded.NEVER,
    # Not among the actions that the Logs guide says are logged.
    ("logs", "PutLogEvents"): Unrecorded.NEVER,
}

_LINES = """
appconfig StartConfigurationSession GetLatestConfiguration
bedrock ApplyGuardrail GetAsyncInvoke StartAsyncInvoke
bedrock InvokeModelWithBidirectionalStream
bedrock InvokeAgent InvokeFlow InvokeInlineAgent Retrieve RetrieveAndGenerate
bedrock RetrieveAndGenerateStream OptimizePrompt Rerank GenerateQuery
bedrock CreateInvocation GetInvocationStep ListInvocationSteps ListInvocations
bedrock PutInvocationStep CreateSession DeleteSession EndSession GetSession
bedrock ListSessions UpdateSession DeleteAgentMemory GetAgentMemory
bedrock StartFlowExecution StopFlowExecution GetFlowExecution ListFlowExecutions
bedrock ListFlowExecutionEvents GetExecutionFlowSnapshot
cloudtrail-data PutAuditEvents
cognito-identity GetCredentialsForIdentity GetId GetOpenIdToken
cognito-identity GetOpenIdTokenForDeveloperIdentity UnlinkIdentity
dynamodb BatchExecuteStatement BatchGetItem BatchWriteItem DeleteItem
dynamodb ExecuteStatement ExecuteTransaction GetItem PutItem Query Scan
dynamodb TransactGetItems TransactWriteItems UpdateItem GetRecords GetShardIterator
ebs GetSnapshotBlock ListChangedBlocks ListSnapshotBlocks PutSnapshotBlock
edgekeyvaluestore DeleteKey DeleteKeys DescribeKeyValueStore GetKey ListKeys PutKey
edgekeyvaluestore PutKeys UpdateKeys
events PutEvents PutPartnerEvents
kinesisvideo GetMedia PutMedia
lambda Invoke InvokeAsync InvokeWithResponseStream
monitoring GetMetricData GetMetricStatistics GetMetricWidgetImage ListMetrics
monitoring PutMetricData
rdsdataapi BatchExecuteStatement BeginTransaction CommitTransaction ExecuteSql
rdsdataapi ExecuteStatement RollbackTransaction
s3 AbortMultipartUpload CompleteMultipartUpload CopyObject CreateMultipartUpload
s3 CreateSession DeleteObject DeleteObjectTagging DeleteObjects GetObject
s3 GetObjectAcl GetObjectAttributes GetObjectLegalHold GetObjectRetention
s3 GetObjectTagging GetObjectTorrent HeadBucket HeadObject ListObjectVersions
s3 ListObjects ListObjectsV2 ListParts PutObject PutObjectAcl PutObjectLegalHold
s3 PutObjectRetention PutObjectTagging RenameObject RestoreObject
s3 SelectObjectContent UpdateObjectEncryption UploadPart UploadPartCopy
s3 WriteGetObjectResponse
sagemaker InvokeEndpoint InvokeEndpointAsync InvokeEndpointWithResponseStream
sagemaker PutRecord GetRecord DeleteRecord BatchGetRecord
ses SendEmail SendRawEmail SendTemplatedEmail SendBulkTemplatedEmail SendBulkEmail
sns Publish PublishBatch
sqs ChangeMessageVisibility ChangeMessageVisibilityBatch DeleteMessage
sqs DeleteMessageBatch GetQueueAttributes GetQueueUrl ListDeadLetterSourceQueues
sqs ListQueueTags ListQueues ReceiveMessage SendMessage SendMessageBatch
states InvokeHTTPEndpoint StartSyncExecution GetActivityTask
timestream Query
xray BatchGetTraces GetSamplingTargets GetServiceGraph GetTraceGraph
xray GetTimeSeriesServiceStatistics GetTraceSummaries PutTelemetryRecords
xray PutTraceSegments
"""
_INFERRED_LINES = """
firehose PutRecord PutRecordBatch
iotdata DeleteThingShadow GetRetainedMessage GetThingShadow ListNamedShadowsForThing
iotdata ListRetainedMessages Publish UpdateThingShadow
kinesis GetRecords GetShardIterator PutRecord PutRecords SubscribeToShard
s3vectors DeleteVectors GetVectors ListVectors PutVectors QueryVectors
sagemaker BatchPutMetrics BatchGetMetrics
servicediscovery DiscoverInstances DiscoverInstancesRevision
sms-voice SendMediaMessage SendTextMessage SendVoiceMessage
timestream WriteRecords
verifiedpermissions BatchIsAuthorized BatchIsAuthorizedWithToken IsAuthorized
verifiedpermissions IsAuthorizedWithToken
"""


def _pairs(lines: str) -> frozenset[tuple[str, str]]:
    rows = (line.split() for line in lines.strip().splitlines())
    return frozenset((service, name) for service, *names in rows for name in names)


_DATA_EVENTS = _pairs(_LINES) | _pairs(_INFERRED_LINES)

_UNLOGGED = frozenset({"execute-api"})
"""Services of which nothing is logged: those that call a customer's own API
[inferred from API Gateway's page, which has its control plane only]."""

EVENT_NAMES: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        ("s3", "DeletePublicAccessBlock"): "DeleteBucketPublicAccessBlock",
        ("s3", "GetBucketAccelerateConfiguration"): "GetAccelerateConfiguration",
        ("s3", "GetBucketLifecycleConfiguration"): "GetBucketLifecycle",
        ("s3", "GetBucketNotificationConfiguration"): "GetBucketNotification",
        ("s3", "GetObjectLockConfiguration"): "GetBucketObjectLockConfiguration",
        ("s3", "GetPublicAccessBlock"): "GetBucketPublicAccessBlock",
        ("s3", "PutBucketAccelerateConfiguration"): "PutAccelerateConfiguration",
        ("s3", "PutBucketLifecycleConfiguration"): "PutBucketLifecycle",
        ("s3", "PutBucketNotificationConfiguration"): "PutBucketNotification",
        ("s3", "PutObjectLockConfiguration"): "PutBucketObjectLockConfiguration",
        ("s3", "PutPublicAccessBlock"): "PutBucketPublicAccessBlock",
        ("s3control", "DeletePublicAccessBlock"): "DeleteAccountPublicAccessBlock",
        ("s3control", "GetPublicAccessBlock"): "GetAccountPublicAccessBlock",
        ("s3control", "PutPublicAccessBlock"): "PutAccountPublicAccessBlock",
    }
)
"""Operations of an SDK's service that CloudTrail has by another name [documented]."""


def unrecorded(service: str, event_name: str) -> Unrecorded | None:
    """Say why Event history has nothing of a call; None for a management event.

    `service` is what it is called in CloudTrail, without the domain.
    """
    call = (service, event_name)
    if service in _UNLOGGED:
        return Unrecorded.NEVER
    return _NOT_AWS.get(call) or (
        Unrecorded.DATA_EVENT if call in _DATA_EVENTS else None
    )
