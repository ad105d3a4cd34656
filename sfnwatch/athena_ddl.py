"""The table that Athena needs to read a trail, as one CREATE statement.

Its partitions are projected: computed from a query, with no crawler and nothing to
add day by day. The columns, the SerDe and the format of the days are those of AWS's
documentation; beyond its one partition column, the day, account and Region are two
more, so that one table serves them all and a query still reads only what it names.
"""

import re
from collections.abc import Sequence
from datetime import date

from sfnwatch.errors import UsageError
from sfnwatch.trace.text import clean

TABLE = "cloudtrail_logs"

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PREFIX = re.compile(r"[A-Za-z0-9!_.*()/=-]*")
_ACCOUNT = re.compile(r"[0-9]{12}")
_REGION = re.compile(r"[a-z]{2,}(-[a-z]+)+-[0-9]+")
_ORGANIZATION = re.compile(r"o-[a-z0-9]{10,32}")
_NAME = re.compile(r"[a-z0-9_]{1,128}")

_COLUMNS = """\
  eventversion STRING,
  useridentity STRUCT<
    type: STRING,
    principalid: STRING,
    arn: STRING,
    accountid: STRING,
    invokedby: STRING,
    accesskeyid: STRING,
    username: STRING,
    onbehalfof: STRUCT<userid: STRING, identitystorearn: STRING>,
    sessioncontext: STRUCT<
      attributes: STRUCT<mfaauthenticated: STRING, creationdate: STRING>,
      sessionissuer: STRUCT<
        type: STRING,
        principalid: STRING,
        arn: STRING,
        accountid: STRING,
        username: STRING>,
      ec2roledelivery: STRING,
      webidfederationdata: STRUCT<
        federatedprovider: STRING,
        attributes: MAP<STRING, STRING>>>>,
  eventtime STRING,
  eventsource STRING,
  eventname STRING,
  awsregion STRING,
  sourceipaddress STRING,
  useragent STRING,
  errorcode STRING,
  errormessage STRING,
  requestparameters STRING,
  responseelements STRING,
  additionaleventdata STRING,
  requestid STRING,
  eventid STRING,
  readonly STRING,
  resources ARRAY<STRUCT<arn: STRING, accountid: STRING, type: STRING>>,
  eventtype STRING,
  apiversion STRING,
  recipientaccountid STRING,
  serviceeventdetails STRING,
  sharedeventid STRING,
  vpcendpointid STRING,
  vpcendpointaccountid STRING,
  eventcategory STRING,
  addendum STRUCT<
    reason: STRING,
    updatedfields: STRING,
    originalrequestid: STRING,
    originaleventid: STRING>,
  sessioncredentialfromconsole STRING,
  edgedevicedetails STRING,
  tlsdetails STRUCT<
    tlsversion: STRING,
    ciphersuite: STRING,
    clientprovidedhostheader: STRING>"""


def athena_ddl(
    bucket: str,
    accounts: Sequence[str],
    regions: Sequence[str],
    *,
    start_date: date,
    organization: str | None = None,
    table: str = TABLE,
) -> str:
    """Write the statement; raises UsageError for what can be no part of it.

    `bucket` may be `s3://BUCKET/PREFIX`. With no accounts, each query must name one:
    that is for an organization's trail, whose accounts come and go.
    """
    _check(accounts, regions, organization, table)
    root = f"{_root(bucket)}AWSLogs/" + (f"{organization}/" if organization else "")
    properties = {
        "projection.enabled": "true",
        **_listed("account", accounts),
        **_listed("region", regions),
        "projection.timestamp.type": "date",
        "projection.timestamp.format": "yyyy/MM/dd",
        "projection.timestamp.interval": "1",
        "projection.timestamp.interval.unit": "DAYS",
        "projection.timestamp.range": f"{start_date:%Y/%m/%d},NOW",
        "storage.location.template": (
            f"{root}${{account}}/CloudTrail/${{region}}/${{timestamp}}"
        ),
    }
    listed = ",\n".join(f"  '{key}' = '{value}'" for key, value in properties.items())
    return f"""\
CREATE EXTERNAL TABLE {table} (
{_COLUMNS}
)
PARTITIONED BY (account STRING, region STRING, `timestamp` STRING)
ROW FORMAT SERDE 'org.apache.hive.hcatalog.data.JsonSerDe'
STORED AS INPUTFORMAT 'com.amazon.emr.cloudtrail.CloudTrailInputFormat'
OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat'
LOCATION '{root}'
TBLPROPERTIES (
{listed}
)
"""


def _listed(column: str, values: Sequence[str]) -> dict[str, str]:
    """Project a column from a list, or from what each query names."""
    kind = f"projection.{column}.type"
    if not values:
        return {kind: "injected"}
    known = ",".join(dict.fromkeys(values))
    return {kind: "enum", f"projection.{column}.values": known}


def _root(bucket: str) -> str:
    """Give the folder in which `AWSLogs` lies."""
    name, _, prefix = bucket.removeprefix("s3://").partition("/")
    prefix = prefix.strip("/").removesuffix("AWSLogs").strip("/")
    if not _BUCKET.fullmatch(name) or not _PREFIX.fullmatch(prefix):
        raise UsageError(
            f"{clean(bucket, 200)} is no bucket that holds a trail.",
            hint="Give it as BUCKET or s3://BUCKET/PREFIX, where AWSLogs lies.",
        )
    return f"s3://{name}/{prefix}/" if prefix else f"s3://{name}/"


def _check(
    accounts: Sequence[str],
    regions: Sequence[str],
    organization: str | None,
    table: str,
) -> None:
    given = [
        *(("an account's id", account, _ACCOUNT) for account in accounts),
        *(("a Region's name", region, _REGION) for region in regions),
        ("an organization's id", organization or "o-none000000", _ORGANIZATION),
        ("a table's name", table, _NAME),
    ]
    for what, value, pattern in given:
        if not pattern.fullmatch(value):
            raise UsageError(f"{clean(value, 100)} is not {what}.")
    if not regions:
        raise UsageError(
            "The table needs the Regions that the trail covers.",
            hint="Name at least one, with --region.",
        )
