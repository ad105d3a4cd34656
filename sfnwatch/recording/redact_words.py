"""What else a redacted recording keeps: keys, enumerations, sentences of AWS's.

A key, value or sentence that is missing here is replaced.
"""

from sfnwatch.recording.redact_vocabulary import words_of
from sfnwatch.trace.integrations import TABLE

EVENT_WORDS = words_of(
    """
    Aborted Activity Alias Choice Evaluation Exited Entered Execution Fail Failed
    Function Iteration Lambda Map Parallel Pass Redriven Run Schedule Scheduled Start
    Started State Submit Submitted Succeed Succeeded Task Timed Out Wait
    """
)
"""What the types of history events are made of."""

ARN_KINDS = {
    word: tuple(kinds)
    for word, *kinds in (
        line.split()
        for line in """
        execution machine execution run
        express machine execution run
        stateMachine machine version
        mapRun machine run
        activity activity
        role role
        assumed-role role session
        user user
        federated-user user
        policy policy
        group group
        instance-profile profile
        cluster cluster
        task cluster task
        task-definition family revision
        service cluster service
        container cluster task container
        container-instance cluster instance
        function function version
        layer layer version
        runtime runtime
        log-group log-group
        log-stream log-stream
        secret secret
        table table
        rule rule
        event-bus bus
        job job
        job-queue queue
        job-definition job version
        build project build
        build-batch project build
        key key-id
        alias alias
        parameter parameter
        instance instance
        subnet subnet
        training-job job
        transform-job job
        processing-job job
        hyper-parameter-tuning-job job
        labeling-job job
        applications application
        jobruns job
        nodegroup cluster group
        fargateprofile cluster profile
        trail trail
        eventdatastore store
        stream stream
        document document
        repository repository
        workgroup group
        """.strip().splitlines()
    )
}
"""What an ARN's resource begins with, to the kinds of the names that follow."""

NAMES = frozenset({"service-role", "aws-service-role", "*", "$LATEST", "latest"}) | {
    row.managed_rule for row in TABLE if row.managed_rule
}
"""Names that AWS gives: the same in every account."""
PREFIXES = frozenset({"family", "service", "file", "http", "https", "s3", "sha256"})
"""What stands before a colon in names and addresses."""

KEYS = words_of(
    """
    Arn AttachmentId Attachments Attributes AvailabilityZone AwsvpcConfiguration
    BatchDeleteImage Build BuildBatch CapacityProviderName Cause Cluster ClusterArn
    ClusterId ClusterName Command Connectivity ConnectivityAt ContainerArn
    ContainerOverrides Containers Cpu CreatedAt DesiredStatus Details
    EnableExecuteCommand Entries Environment EnvironmentFiles EphemeralStorage Error
    ErrorCode ErrorMessage ErrorType ExecutedVersion ExecutionArn ExecutionStoppedAt
    ExitCode FailedEntryCount Failures FargateProfile FargateProfileArn
    FargateProfileName FunctionName GpuIds Group HTTPHeaders HTTPStatusCode
    HttpHeaders HttpStatusCode AllHttpHeaders Id Image ImageDigest Included
    InferenceAcceleratorOverrides InferenceAccelerators Input InputDetails Job JobArn
    JobDefinition JobId JobName JobQueue JobRun JobRunId LastStatus LaunchType
    ManagedAgents Memory MessageBody MessageId Name NetworkBindings
    NetworkConfiguration NetworkInterfaces Nodegroup NodegroupArn NodegroupName Output
    OutputDetails Overrides Parameters Payload PlatformFamily PlatformVersion
    PrivateIpv4Address PullStartedAt PullStoppedAt QueryExecution QueryExecutionId
    QueueUrl Reason RequestId ResourceRequirements RetryCount RoleArn RunId RuntimeId
    SdkHttpMetadata SdkResponseMetadata SecurityGroups SizeInGiB StartDate StartedAt
    StartedBy StateMachineArn Status StatusCode StatusReason Step StepId StopCode
    StopDate StoppedAt StoppedReason StoppingAt Subnets TableName Tags Task TaskArn
    TaskDefinition TaskDefinitionArn TaskToken Tasks TopicArn Type Value Version
    ApplicationId Date Content-Length Content-Type X-Amzn-Trace-Id
    X-Amz-Executed-Version Connection AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID
    AccessKeyId AccountId AssumedRoleUser AssumedRoleId Attributes Credentials
    CreationDate InvokedBy MaxResults MfaAuthenticated PrincipalId ReverseOrder
    SessionContext SessionIssuer StackTrace UserName WebIdFederationData
    CapacityProviderStrategy Count Key Resources ResourceType ResourceName
    IncludeExecutionData Destinations CloudWatchLogsLogGroup LogGroupArn Level Enabled
    TlsVersion CipherSuite ClientProvidedHostHeader Truncated
    """
) | {
    part.removesuffix("[]")
    for row in TABLE
    for path in row.id_paths
    for part in path.split(".")
}
"""Keys of requests and answers, as SDKs write them; CloudTrail begins them small."""
OTHER_KEYS = frozenset({"x-amzn-RequestId", "x-amzn-Remapped-Content-Length", "ARN"})
"""And those that begin small, or large, everywhere."""

ENUMS = words_of(
    """
    ACTIVATING ACTIVE BRIDGE CONNECTED DEACTIVATING DEPROVISIONING DELETED DISCONNECTED
    DRAINING EC2 EXTERNAL FARGATE FARGATE_SPOT INACTIVE LINUX Linux PENDING
    PRECREATED PROVISIONING RUNNING STOPPED STOPPING WINDOWS ElasticNetworkInterface
    eni ATTACHED ATTACHING DETACHED DETACHING CREATED
    TaskFailedToStart EssentialContainerExited UserInitiated ServiceSchedulerInitiated
    SpotInterruption TerminationNotice SUCCEEDED FAILED ABORTED TIMED_OUT
    PENDING_REDRIVE REDRIVABLE NOT_REDRIVABLE REDRIVABLE_BY_MAP_RUN UNKNOWN SUBMITTED
    RUNNABLE STARTING QUEUED CANCELLED STOPPED ALL ERROR FATAL OFF STANDARD EXPRESS
    AWS_OWNED_KEY CUSTOMER_MANAGED_KMS_KEY DELETING
    AssumedRole AWSService AWSAccount IAMUser Root FederatedUser Role SAMLUser
    WebIdentityUser Unknown IdentityCenterUser Directory AwsApiCall AwsServiceEvent
    AwsConsoleAction AwsConsoleSignIn AwsVpceEvent AwsCloudTrailInsight Management Data
    Insight NetworkActivity true false AWS_STEP_FUNCTIONS application/json
    application/x-amz-json-1.0 application/x-amz-json-1.1 keep-alive TLSv1.2 TLSv1.3
    Task Pass Choice Wait Succeed Fail Parallel Map JSONPath JSONata INLINE
    DISTRIBUTED FULL NONE
    """
)
"""Values that AWS chooses from."""
ENUM_KEYS = words_of(
    """
    connection connectivity content-type desiredstatus laststatus launchtype level
    mfaauthenticated platformfamily status stopcode type
    """
)
"""Keys, small, under which they stand in payloads."""
PHRASES = frozenset(
    {
        "AWS Internal",
        "AWS Step Functions",
        "Essential container in task exited",
        "Rate exceeded",
        "HIDDEN_DUE_TO_SECURITY_REASONS",
        "User: ",
        " is not authorized to perform: ",
        " on resource: ",
        " on ",
        " because no identity-based policy allows the ",
        " because no permissions boundary allows the ",
        " because no resource-based policy allows the ",
        " because no service control policy allows the ",
        " because no session policy allows the ",
        " with an explicit deny in a permissions boundary",
        " with an explicit deny in a resource-based policy",
        " with an explicit deny in a service control policy",
        " with an explicit deny in a session policy",
        " with an explicit deny in an identity-based policy",
        " action",
        "Execution is ABORTED and cannot be redriven",
        "Execution is RUNNING and cannot be redriven",
        "Execution is SUCCEEDED and cannot be redriven",
        "Requested resource not found",
        "Function not found: ",
        ". Rate exceeded",
        ": the login has expired. Run: ",
        ": the answer was cut or garbled.",
    }
)
"""Sentences of AWS's and of ours, and what stands in them between two names."""

TIMES = words_of(
    """
    connectivityat createdat creationdate enteredtime executionstoppedat pullstartedat
    pullstoppedat redrivedate startdate startedat startingat stopdate stoppedat
    stoppingat updatedate
    """
)
"""Keys, small, whose number or text is a time of AWS's."""
CODES = frozenset({"exitcode", "httpstatuscode", "statuscode", "failedentrycount"})
"""Keys, small, whose number stays if it is a small one; others become 0."""
ERROR_KEYS = frozenset({"error", "errorcode", "errortype"})
NOTES = (
    r"|first reading|newest events|one more look after the end|the outcome"
    r"|calls to (?P<service>[a-z0-9-]+)|own calls, for the lag|for the credentials"
    r"|the log group|(?:earlier )?log events|the trail's log"
    r"|a query|how the query does|the query's rows|nobody waits for the query"
    r"|messages of the queue|the queue itself|taking off what was read"
    r"|how far it is|(?:failed|timed_out|aborted|running|all) executions"
)
"""What the call log says of a request, as a pattern."""
