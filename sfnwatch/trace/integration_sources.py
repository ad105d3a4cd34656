"""What each of AWS's services is called in CloudTrail.

Step Functions' SDK integrations have the names that the AWS SDK for Java gives:
`aws-sdk:sfn`, `aws-sdk:cloudwatchlogs`. CloudTrail has what services sign their
requests as, with few exceptions: `states`, `logs`.

Made by `python -m tests.trace.make_sdk_names` from the models of the botocore
named below.
"""

from collections.abc import Mapping
from types import MappingProxyType

BOTOCORE = "1.43.117"
"""The botocore whose models these are."""

_NAMES = """
accessanalyzer=access-analyzer account accountaccess=account-access acm acmpca=acm-pca
agentregistry=agent-registry agentregistrycontrol=agent-registry aiops amp=aps amplify
amplifybackend amplifyuibuilder apigateway apigatewaymanagementapi=execute-api
apigatewayv2=apigateway appconfig appconfigdata=appconfig appfabric appflow
appintegrations=app-integrations applicationautoscaling=autoscaling
applicationcostprofiler=application-cost-profiler applicationdiscovery=discovery
applicationinsights applicationsignals=application-signals appmesh apprunner appstream
appsync arcregionswitch=arc-region-switch arczonalshift=arc-zonal-shift artifact athena
auditmanager autoscaling autoscalingplans=autoscaling-plans b2bi backup
backupgateway=backup-gateway backupsearch=backup batch bcmdashboards=bcm-dashboards
bcmdataexports=bcm-data-exports bcmpricingcalculator=bcm-pricing-calculator
bcmrecommendedactions=bcm-recommended-actions bedrock bedrockagent=bedrock
bedrockagentcore=bedrock-agentcore bedrockagentcorecontrol=bedrock-agentcore
bedrockagentruntime=bedrock bedrockdataautomation=bedrock
bedrockdataautomationruntime=bedrock bedrockruntime=bedrock billing billingconductor
braket budgets chatbot chime chimesdkidentity=chime chimesdkmediapipelines=chime
chimesdkmeetings=chime chimesdkmessaging=chime chimesdkvoice=chime cleanrooms
cleanroomsml=cleanrooms-ml cloud9 cloudcontrol=cloudcontrolapi clouddirectory
cloudformation cloudfront cloudfrontkeyvaluestore=edgekeyvaluestore cloudhsm
cloudhsmv2=cloudhsm cloudsearch cloudsearchdomain=cloudsearch cloudtrail
cloudtraildata=cloudtrail-data cloudwatch=monitoring cloudwatchlogs=logs
cloudwatchomni=cloudwatch codeartifact codebuild codecatalyst codecommit codeconnections
codedeploy codeguruprofiler=codeguru-profiler codegurureviewer=codeguru-reviewer
codegurusecurity=codeguru-security codepipeline codestarconnections=codestar-connections
codestarnotifications=codestar-notifications cognitoidentity=cognito-identity
cognitoidentityprovider=cognito-idp cognitosync=cognito-sync comprehend
comprehendmedical computeoptimizer=compute-optimizer
computeoptimizerautomation=aco-automation config connect
connectcampaigns=connect-campaigns connectcampaignsv2=connect-campaigns
connectcases=cases connectcontactlens=connect connecthealth=health-agent
connectparticipant=connect controlcatalog controltower costandusagereport=cur
costexplorer=ce costoptimizationhub=cost-optimization-hub customerprofiles=profile
databasemigration=dms databrew dataexchange datapipeline datasync datazone dax deadline
detective devicefarm devopsagent=aidevops devopsguru=devops-guru directconnect
directory=ds directoryservicedata=ds dlm docdb=rds docdbelastic=docdb-elastic drs dsql
dynamodb dynamodbstreams=dynamodb ebs ec2 ec2instanceconnect=ec2-instance-connect ecr
ecrpublic=ecr-public ecs efs=elasticfilesystem eks eksauth=eks-auth elasticache
elasticbeanstalk elasticloadbalancing elasticloadbalancingv2=elasticloadbalancing
elasticsearch=es elementalinference=elemental-inference emr=elasticmapreduce
emrcontainers=emr-containers emrserverless=emr-serverless
endusermessaging=end-user-messaging entityresolution eventbridge=events
eventbridgev2=events evs firehose fis fms forecast forecastquery=forecast frauddetector
freetier fsx gamelift gameliftstreams geomaps=geo-maps geoplaces=geo-places
georoutes=geo-routes glacier globalaccelerator glue grafana greengrass
greengrassv2=greengrass groundstation guardduty health healthlake iam iamtoolbox=iam
identitystore imagebuilder importexport inspector inspector2
inspectorscan=inspector-scan interconnect internetmonitor invoicing iot
iotdataplane=iotdata iotdeviceadvisor iotfleetwise iotjobsdataplane=iot-jobs-data
iotmanagedintegrations iotsecuretunneling=iotsecuredtunneling iotsitewise iotthingsgraph
iottwinmaker iotwireless ivs ivschat ivsrealtime=ivs kafka kafkaconnect kendra
kendraranking=kendra-ranking keyspaces=cassandra keyspacesstreams=cassandra kinesis
kinesisanalytics kinesisanalyticsv2=kinesisanalytics kinesisvideo
kinesisvideoarchivedmedia=kinesisvideo kinesisvideomedia=kinesisvideo
kinesisvideosignaling=kinesisvideo kinesisvideowebrtcstorage=kinesisvideo kms
lakeformation lambda lambdacore=lambda lambdamicrovms=lambda lambdaweb=lambda
launchwizard lexmodelbuilding=lex lexmodelsv2=lex lexruntime=lex lexruntimev2=lex
licensemanager=license-manager
licensemanagerlinuxsubscriptions=license-manager-linux-subscriptions
licensemanagerusersubscriptions=license-manager-user-subscriptions lightsail
location=geo lookoutequipment m2 machinelearning macie2 mailmanager=ses
managedblockchain managedblockchainquery=managedblockchain-query
marketplaceagreement=aws-marketplace marketplacecatalog=aws-marketplace
marketplacecommerceanalytics marketplacedeployment=aws-marketplace
marketplacediscovery=aws-marketplace marketplaceentitlement=aws-marketplace
marketplacemetering=metering-marketplace marketplacereporting=aws-marketplace
mediaconnect mediaconvert medialive mediapackage mediapackagev2
mediapackagevod=mediapackage-vod mediastore mediastoredata=mediastore mediatailor
medicalimaging=medical-imaging memorydb mgn migrationhub=mgh migrationhubconfig=mgh
migrationhuborchestrator=migrationhub-orchestrator
migrationhubrefactorspaces=refactor-spaces migrationhubstrategy=migrationhub-strategy
mpa mq=amazonmq mturk=mturk-requester mwaa=airflow mwaaserverless=airflow-serverless
neptune=rds neptunedata=neptune-db neptunegraph=neptune-graph
networkfirewall=network-firewall networkflowmonitor networkmanager
networkmonitor=networksynthetics networksecuritymanager=network-security-manager
notifications notificationscontacts=notifications-contacts novaact=nova-act oam
observabilityadmin odb omics opensearch=es opensearchserverless=aoss organizations osis
outposts partnercentralaccount=partnercentral-account
partnercentralbenefits=partnercentral-benefits
partnercentralchannel=partnercentral-channel
partnercentralrevenuemeasurement=partnercentral
partnercentralselling=partnercentral-selling paymentcryptography=payment-cryptography
paymentcryptographydata=payment-cryptography pcaconnectorad=pca-connector-ad
pcaconnectorscep=pca-connector-scep pcs personalize personalizeevents=personalize
personalizeruntime=personalize pi pinpoint=mobiletargeting pinpointemail=ses
pinpointsmsvoice=sms-voice pinpointsmsvoicev2=sms-voice pipes polly pricing
pricingplanmanager proton qapps qbusiness qconnect=wisdom quicksight ram rbin rds
rdsdata=rdsdataapi redshift redshiftdata=redshift-data
redshiftserverless=redshift-serverless rekognition repostspace resiliencehub
resiliencehubv2=resiliencehub resourceexplorer2=resource-explorer-2
resourcegroups=resource-groups resourcegroupstaggingapi=tagging rolesanywhere route53
route53domains route53globalresolver route53profiles
route53recoverycluster=route53-recovery-cluster
route53recoverycontrolconfig=route53-recovery-control-config
route53recoveryreadiness=route53-recovery-readiness route53resolver rtbfabric rum s3
s3control=s3 s3files s3outposts=s3-outposts s3tables s3vectors sagemaker
sagemakera2iruntime=sagemaker sagemakeredge=sagemaker
sagemakerfeaturestoreruntime=sagemaker sagemakergeospatial=sagemaker-geospatial
sagemakerjobruntime=sagemaker sagemakermetrics=sagemaker sagemakerruntime=sagemaker
sagemakertrainingsessionruntime=sagemaker savingsplans scheduler schemas secretsmanager
securityagent securityhub securityir=security-ir securitylake
serverlessapplicationrepository=serverlessrepo servicecatalog
servicecatalogappregistry=servicecatalog servicediscovery servicequotas ses sesv2=ses
sfn=states shield signer signerdata=signer signin simpledb=sdb simpledbv2=sdb snowball
snowdevicemanagement=snow-device-management sns socialmessaging=social-messaging sqs ssm
ssmcontacts=ssm-contacts ssmguiconnect=ssm-guiconnect ssmincidents=ssm-incidents
ssmquicksetup=ssm-quicksetup ssmsap=ssm-sap sso ssoadmin=sso ssooidc=sso-oauth
storagegateway sts supplychain=scn support supportapp supportauthz sustainability swf
synthetics taxsettings=tax textract timestreaminfluxdb=timestream-influxdb
timestreamquery=timestream timestreamwrite=timestream transcribe transfer translate
trustedadvisor uxc verifiedpermissions voiceid vpclattice=vpc-lattice waf
wafregional=waf-regional wafv2 wellarchitected wickr wisdom workdocs workmail
workmailmessageflow workspaces workspacesinstances=workspaces-instances
workspacesthinclient=thinclient workspacesweb=workspaces-web xray
"""
NAMES: Mapping[str, str] = MappingProxyType(
    {
        name: source or name
        for name, _, source in (w.partition("=") for w in _NAMES.split())
    }
)
"""The Java SDK's names to CloudTrail's; mostly they are one word."""
