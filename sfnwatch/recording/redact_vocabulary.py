"""Names of AWS's services, operations and errors, which a redacted recording keeps.

Lists, not patterns: a word that is missing here is replaced, which costs a reader
something and nobody a secret.
"""

from sfnwatch.trace.integration_names import SOURCES
from sfnwatch.trace.requests import OK, THROTTLED


def words_of(text: str) -> frozenset[str]:
    return frozenset(text.split())


API_WORDS = words_of(
    """
    abac abort accelerate accept access accessed account accounts acl acquire action
    actions activate activation activations activities activity add addon addons address
    adjustment admin advanced agent aggregate agreement ai alarm alarms alert alerts
    algorithm algorithms alias aliases alive all already analytics and annotation
    annotations anomalies anomaly anywhere api apis app application applications apps
    archive archives arn artifact artifacts asset assets assignment associate associated
    association associations assume async attach attached attachment attempts attribute
    attributes auth authentication authn authorities authority authorization authorizer
    authorizers auto automated automation availability available backup backups bad
    balancer balancers base baseline baselines batch batches bearer benchmark bias block
    blueprint blueprints bookmark bootstrap boundary branding bucket buckets build
    builds bundle bus buses by ca cache calculation calendar callback caller cancel
    candidates capabilities capability capacities capacity case cases catalog
    catalogs center certificate certificates challenge change changes channel channels
    check checkpoint class classifier classifiers client clients cloud cluster clusters
    code collection column command commands compilation complete compliance component
    components composite compute concurrency config configs configuration configurations
    confirm confirmation conflict connect connection connections connector connectors
    consumable consumer consumers container content contents context contexts continue
    continuous contributor contributors control controls copy cors count coverages
    crawler crawlers crawls create creation credential credentials csv curated custom
    customization daemon daemons dashboard dashboards data database databases dataflow
    dataset datasets deactivate dead deauthorize decode decrease decrypt default defined
    definition definitions delegated delegation delete deletion deletions deliveries
    delivery demand denied deployable deployment deployments deregister derive describe
    description desired destination destinations detach details detector detectors dev
    device devices diff directory disable disassociate disconnect discover distribution
    dns document documentation documents domain domains download dpu durable edge
    effective eks enable encrypt encryption endpoint endpoints enforced engine enhanced
    enrichment enter entities entity entries entry environment environments error
    evaluation event events exceeded exception exclusion exclusions execute execution
    executions executors exists exit experiment experiments expired explainability
    export exports express extend extension factors failed failure failures families
    fargate fault feature features federation feedback field fields file filter filters
    findings fleet fleets flow flows flush for forecast forget forgot form forms found
    foundation from function functions gateway gateways generate generation get global
    glossaries glossary glue grant granting grants graph group groups guardrail
    guardrails head header health heartbeat history hold hook hooks http hub hubs human
    hyper id identifier identity ids if image images impact import imported imports in
    inbound increase index indexes indexing inference info information ingestion
    initiate insight insights instance instances integration integrations intelligent
    interface internal invalid invalidate inventory invocation invocations invoke ip is
    item items iterable iterator job jobs journal keep key keys kinesis kms label
    labeling labels last launch layer layers legal letter lifecycle limit limits lineage
    link linked links list listener listeners live load location lock log logging login
    logs lookup mac machine machines maintenance malformed managed management many map
    mapping mappings marketplace material materialized max merge message metadata method
    metric metrics mfa mfa mismatch missing ml mlflow mode model models modify
    monitoring mount move multipart mutability mute name named names namespace
    namespaces network next no node nodegroup nodegroups nodes not notebook notification
    number numbers o object objects of offerings offers on once open operation
    operations ops opt opted optimization optimizer or organization organizations
    origination out outbound ownership package packages packaging pair parameter
    parameters part partition partitions partner parts password patch patches path
    pattern period permission permissions persistent phone pipeline pipelines
    plaintext plan plans platform pod point points policies policy poll pool pools
    portfolio predictive preference preferences prepared preset presets presigned
    preview primary principal priorities private probe process processes processing
    profile profiles project projects prompt properties property protection provider
    providers provisioned public publish pull purge put quality queries query queue
    queues quota quotas random rate re readable reasoning reboot receive recipe recipes
    recommendation recommendations record records recursion redrive redriven reference
    referrers refresh refreshes region regions register registration registries registry
    reject related release remove rename render replace replacement replay replays
    replica replicas replicate replication report reports repositories repository
    request requests resend reservation reservations reserved reset resource resources
    respond response responses rest restore result results resume resync retention
    retirable retire retrieval retrieved retry revision revisions revocation revocations
    revoke risk role roles rollback root rotate rotation rotations route router routers
    routes rule rules ruleset rulesets run runs runtime s sagemaker saml sample sampling
    sandbox sandboxes scalable scaling scan scanning scenario schedule scheduled
    scheduler schedules scheduling schema schemas script sdk search secret secrets
    security segment segments select selectors send series server servers service
    servicecatalog services session sessions set sets setting settings shard shards
    share shared shares sign signal signature signing simulate size sizes sms snapshot
    software source sources space spaces specific split ssh ssl stage stages standby
    start state statement statements states statistic statistics status step steps stop
    storage store stores strategy stream streaming streams studio studios submit subnets
    subscribe subscribed subscription subscriptions success such suggestions summaries
    summary supported suspend sync syslog system systems table tables tag tagging tags
    tail target targets task tasks tel telemetry template templates term terminate
    termination terms test throttled throttling through throughput throughputs
    thumbprint tier tiering time timed timeout to token tokens too topic topics torrent
    trace traces tracking traffic trail trails training transact transaction transform
    transformer transforms trend trial trials trigger triggers trust tuning type types
    ui ui uis ultra unauthorized unavailable unfiltered unhealthy unknown unlabel
    unprocessable unrecognized unsubscribe untag up update updates upload uploads url
    url urls usage use used user users v validate validator validators validity value
    vectors verification verify version versioning versions view virtual visibility
    visible volume vpc warm web webhook website weights when widget window windows with
    without work workflow workflows workforce workforces workload workteam workteams
    write
    """
)
"""What the names of API operations, and of their errors, are made of."""

SERVICES = words_of(
    """
    access-analyzer acm acm-pca amplify apigateway apigatewayv2 appconfig appflow
    appmesh apprunner appsync athena autoscaling aws-sdk backup batch bedrock
    bedrock-agent bedrock-runtime bedrockagent bedrockagentruntime bedrockruntime
    budgets ce cloud9 cloudformation cloudfront cloudhsm cloudsearch cloudtrail
    cloudwatch cloudwatchlogs codeartifact codebuild codecommit codedeploy codepipeline
    cognito-identity cognito-idp cognitoidentity cognitoidentityprovider comprehend
    config connect costexplorer databasemigration databrew datapipeline datasync dax
    detective devicefarm directconnect discovery dlm dms docdb ds dynamodb
    dynamodbstreams ebs ec2 ecr ecr-public ecs efs eks elasticache elasticbeanstalk
    elasticfilesystem elasticloadbalancing elasticloadbalancingv2 elasticmapreduce
    elastictranscoder email emr emr-containers emr-serverless emrcontainers
    emrserverless es eventbridge events execute-api firehose fis forecast fsx gamelift
    glacier glue greengrass guardduty health http iam identitystore imagebuilder
    inspector inspector2 iot iotdata ivs kafka kendra keyspaces kinesis kinesisanalytics
    kinesisanalyticsv2 kinesisvideo kms lakeformation lambda lex license-manager
    location logs macie2 mediaconnect mediaconvert medialive mediapackage mediastore
    mediatailor memorydb mgh monitoring mq mwaa neptune network-firewall opensearch
    organizations outposts personalize pinpoint pipes polly pricing quicksight ram rds
    rds-data rdsdata redshift redshift-data redshift-serverless redshiftdata
    redshiftserverless rekognition resource-groups robomaker rolesanywhere route53
    route53domains route53resolver s3 s3control s3-outposts s3express s3tables sagemaker
    sagemakerruntime savingsplans scheduler schemas secretsmanager securityhub
    servicecatalog servicediscovery servicequotas ses sesv2 sfn shield signer signin sms
    sns sqs ssm sso sso-oauth states stepfunctions storagegateway sts support swf
    synthetics tagging textract timestream transcribe transfer translate vpc-lattice waf
    waf-regional wafv2 wellarchitected workspaces xray
    """
) | {name for pair in SOURCES.items() for name in pair}
"""Services as CloudTrail, IAM and Step Functions' SDK integrations call them."""

ERRORS = words_of(
    """
    AccessDenied AccessDeniedException AmazonECS.Unknown ClientError ConditionalCheck
    ConditionalCheckFailedException ConflictException ConnectTimeoutError
    ConnectionClosedError ConnectionError CredentialRetrievalError DryRunOperation
    EndpointConnectionError Exception ExecutionAlreadyExists ExecutionDoesNotExist
    ExecutionLimitExceeded ExpiredNextTokenException ExpiredToken ExpiredTokenException
    HTTPClientError IncompleteSignature IncompleteSignatureException
    InternalServerError InternalServerException InvalidArn InvalidClientTokenId
    InvalidLookupAttributesException InvalidNextTokenException InvalidParameter
    InvalidParameterException InvalidParameterValue InvalidParameterValueException
    InvalidRequestException InvalidSignatureException InvalidTimeRangeException
    InvalidToken KmsAccessDeniedException KmsInvalidStateException
    KmsThrottlingException LimitExceededException MissingAuthenticationToken
    MissingAuthenticationTokenException NoCredentialsError NoSuchBucket NoSuchKey
    NotAuthorized OperationNotPermittedException OptInRequired
    PartialCredentialsError ReadTimeoutError RequestExpired RequestLimitExceeded
    RequestThrottled ResourceConflictException ResourceInUseException
    ResourceNotFoundException ResponseParserError SSLError SSOError
    SSOTokenLoadError Sandbox.Timedout ServiceException ServiceUnavailable
    ServiceUnavailableException SignatureDoesNotMatch SlowDown StateMachineDoesNotExist
    StateMachineTypeNotSupported States.ALL States.BranchFailed States.DataLimitExceeded
    States.ExceedToleratedFailureThreshold States.HeartbeatTimeout
    States.IntrinsicFailure States.ItemReaderFailed
    States.NoChoiceMatched States.ParameterPathFailure States.Permissions
    States.QueryEvaluationError States.ResultPathMatchFailure
    States.ResultWriterFailed States.Runtime States.TaskFailed States.Timeout Throttling
    ThrottlingException Throttled TimeoutError TokenRefreshRequired
    TooManyRequestsException UnauthorizedOperation UnauthorizedSSOTokenError
    UnknownOperationException UnrecognizedClientException ValidationError
    ValidationException unknown
    """
) | {OK, *THROTTLED}
"""Errors of AWS, of its SDK and of the States Language."""
