"""Which calls IAM refused."""

import re
from functools import lru_cache

from sfnwatch.model.api_call import ApiCall

_DENIED = re.compile(r"(?i)AccessDenied|Unauthorized|NotAuthorized|Forbidden")


def is_denied(call: ApiCall) -> bool:
    """True for a call that IAM refused; the policy of a VPC endpoint is not IAM."""
    if call.error_code is None or call.is_denied_by_endpoint:
        return False
    return is_denial(call.error_code)


@lru_cache(maxsize=256)
def is_denial(code: str) -> bool:
    """True for the error code of a call that IAM refused."""
    return bool(_DENIED.search(code))
