"""ARNs, times and JSON in the forms that AWS gives them."""

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, TypeAlias

ACCOUNT_ID = "123456789012"
REGION = "ap-northeast-1"

Json: TypeAlias = dict[str, Any]
"""A JSON object."""


def arn(service: str, resource: str) -> str:
    """Return the ARN of something in the demo's account and Region."""
    region = "" if service in {"iam", "sts"} else REGION
    return f"arn:aws:{service}:{region}:{ACCOUNT_ID}:{resource}"


def compact(value: object) -> str:
    """Return JSON as Step Functions puts it into outputs: keys in order, no spaces."""
    return json.dumps(value, separators=(",", ":"), sort_keys=True)


def camel(value: Any) -> Any:
    """Return the value with the keys as ECS and CloudTrail write them."""
    if isinstance(value, list):
        return [camel(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {key[:1].lower() + key[1:]: camel(each) for key, each in value.items()}


def to_ms(at: datetime) -> datetime:
    """Drop what is below a millisecond."""
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def after(at: datetime, seconds: float) -> datetime:
    """Return the time `seconds` later, to the millisecond as AWS keeps it."""
    return to_ms(at + timedelta(seconds=seconds))


def epoch_ms(at: datetime) -> int:
    """Return Step Functions' form in the outputs of optimized integrations."""
    return round(at.timestamp() * 1000)


def epoch_seconds(at: datetime) -> float:
    """Return AWS JSON's timestamp: seconds, with milliseconds as a fraction."""
    return epoch_ms(at) / 1000


def iso(at: datetime) -> str:
    """Return CloudTrail's eventTime."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def iso_ms(at: datetime) -> str:
    """Return Step Functions' form in the outputs of AWS SDK integrations."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03}Z"


def in_words(at: datetime) -> str:
    """Return CloudTrail's form of times inside requests and responses."""
    at = at.astimezone(UTC)
    half = "AM" if at.hour < 12 else "PM"  # noqa: PLR2004 - noon
    # Not strftime's names of months: they follow the machine's language.
    month = http_date(at).split()[2]
    return f"{month} {at.day}, {at.year}, {at.hour % 12 or 12}:{at:%M:%S} {half}"


def http_date(at: datetime) -> str:
    """Return the form of a Date header."""
    return format_datetime(at.astimezone(UTC), usegmt=True)
