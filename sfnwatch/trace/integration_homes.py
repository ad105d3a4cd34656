"""Where the calls of AWS's global services are recorded.

One of them has the same address in every Region of a partition, and its calls are
recorded where it lives. That is documented for us-east-1, "and other Regions, such as
US West (Oregon)"; the other homes are where requests are signed for [inferred].

Made by `python -m tests.trace.make_sdk_names` from the models of the botocore
named below.
"""

from collections.abc import Mapping
from types import MappingProxyType

BOTOCORE = "1.43.117"
"""The botocore whose models these are."""

_HOMES = """
account aws=us-east-1 aws-cn=cn-northwest-1 aws-iso=us-iso-east-1
account aws-iso-b=us-isob-east-1 aws-iso-f=us-isof-south-1 aws-us-gov=us-gov-west-1
artifact aws=us-east-1 aws-cn=cn-northwest-1 aws-iso=us-iso-east-1
artifact aws-iso-b=us-isob-east-1 aws-iso-f=us-isof-south-1 aws-us-gov=us-gov-west-1
bcmdashboards aws=us-east-1 aws-cn=cn-northwest-1 aws-iso=us-iso-east-1
bcmdashboards aws-iso-b=us-isob-east-1 aws-iso-f=us-isof-south-1
bcmdashboards aws-us-gov=us-gov-west-1
bcmdataexports aws=us-east-1 aws-cn=cn-northwest-1 aws-iso=us-iso-east-1
bcmdataexports aws-iso-b=us-isob-east-1 aws-iso-f=us-isof-south-1
bcmdataexports aws-us-gov=us-gov-west-1
bcmpricingcalculator aws=us-east-1 aws-cn=cn-northwest-1 aws-iso=us-iso-east-1
bcmpricingcalculator aws-iso-b=us-isob-east-1 aws-iso-f=us-isof-south-1
bcmpricingcalculator aws-us-gov=us-gov-west-1
bcmrecommendedactions aws=us-east-1 aws-cn=cn-northwest-1 aws-iso=us-iso-east-1
bcmrecommendedactions aws-iso-b=us-isob-east-1 aws-iso-f=us-isof-south-1
bcmrecommendedactions aws-us-gov=us-gov-west-1
billing aws=us-east-1 aws-cn=cn-northwest-1 aws-iso=us-iso-east-1
billing aws-iso-b=us-isob-east-1 aws-iso-f=us-isof-south-1 aws-us-gov=us-gov-west-1
billingconductor aws=us-east-1
budgets aws=us-east-1 aws-cn=cn-northwest-1 aws-iso=us-iso-east-1
budgets aws-iso-b=us-isob-east-1 aws-iso-f=us-isof-south-1 aws-us-gov=us-gov-west-1
chime aws=us-east-1
cloudfront aws=us-east-1 aws-cn=cn-northwest-1 aws-iso=us-iso-east-1
cloudfront aws-iso-b=us-isob-east-1 aws-iso-f=us-isof-south-1 aws-us-gov=us-gov-west-1
costexplorer aws=us-east-1 aws-cn=cn-northwest-1 aws-iso=us-iso-east-1
costexplorer aws-iso-b=us-isob-east-1 aws-iso-f=us-isof-south-1 aws-us-gov=us-gov-west-1
freetier aws=us-east-1
globalaccelerator aws=us-west-2
iam aws=us-east-1 aws-cn=cn-north-1 aws-iso=us-iso-east-1 aws-iso-b=us-isob-east-1
iam aws-iso-f=us-isof-south-1 aws-us-gov=us-gov-west-1
importexport aws=us-east-1
invoicing aws=us-east-1 aws-cn=cn-northwest-1 aws-iso=us-iso-east-1
invoicing aws-iso-b=us-isob-east-1 aws-iso-f=us-isof-south-1 aws-us-gov=us-gov-west-1
networkmanager aws=us-west-2 aws-cn=cn-northwest-1 aws-iso=us-iso-east-1
networkmanager aws-iso-b=us-isob-east-1 aws-iso-f=us-isof-south-1
networkmanager aws-us-gov=us-gov-west-1
notificationscontacts aws=us-east-1 aws-cn=cn-northwest-1 aws-iso=us-iso-east-1
notificationscontacts aws-iso-b=us-isob-east-1 aws-iso-f=us-isof-south-1
notificationscontacts aws-us-gov=us-gov-west-1
organizations aws=us-east-1 aws-cn=cn-northwest-1 aws-iso=us-iso-east-1
organizations aws-iso-b=us-isob-east-1 aws-iso-f=us-isof-south-1
organizations aws-us-gov=us-gov-west-1
pricingplanmanager aws=us-east-1
route53 aws=us-east-1 aws-cn=cn-northwest-1 aws-iso=us-iso-east-1
route53 aws-iso-b=us-isob-east-1 aws-iso-f=us-isof-south-1 aws-us-gov=us-gov-west-1
route53recoverycontrolconfig aws=us-west-2 aws-cn=cn-northwest-1 aws-iso=us-iso-east-1
route53recoverycontrolconfig aws-iso-b=us-isob-east-1 aws-iso-f=us-isof-south-1
route53recoverycontrolconfig aws-us-gov=us-gov-west-1
savingsplans aws=us-east-1
shield aws=us-east-1
support aws=us-east-1 aws-cn=cn-north-1 aws-iso=us-iso-east-1 aws-iso-b=us-isob-east-1
support aws-us-gov=us-gov-west-1
taxsettings aws=us-east-1 aws-cn=cn-northwest-1 aws-iso=us-iso-east-1
taxsettings aws-iso-b=us-isob-east-1 aws-iso-f=us-isof-south-1 aws-us-gov=us-gov-west-1
waf aws=us-east-1
"""
HOMES: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        (name, partition): region
        for name, *homes in (line.split() for line in _HOMES.strip().splitlines())
        for partition, region in (home.split("=") for home in homes)
    }
)
"""A service's Java name and a partition, to the home there."""


def home_region(resource_type: str, partition: str) -> str | None:
    """Find the home of what an SDK integration calls; None for most."""
    name = resource_type.removeprefix("aws-sdk:")
    return HOMES.get((name, partition))
