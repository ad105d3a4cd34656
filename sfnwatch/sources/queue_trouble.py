"""What SQS says when it says no, beyond what every service may say.

SQS answers with an old and a new code for one error: `QueueDoesNotExist` is the new,
`AWS.SimpleQueueService.NonExistentQueue` the old one, and the SDK gives the old.
"""

from sfnwatch.sources.drive import Failure
from sfnwatch.sources.trouble import code_of
from sfnwatch.trace.events import HealthState

_GONE = frozenset(
    {
        "AWS.SimpleQueueService.NonExistentQueue",
        "AWS.SimpleQueueService.QueueDeletedRecently",
        "QueueDeletedRecently",
        "QueueDoesNotExist",
        "ResourceNotFoundException",
    }
)
_WRONG = frozenset({"InvalidAddress", "InvalidSecurity", "UnsupportedOperation"})
_KEY = frozenset(
    {
        "KMS.AccessDeniedException",
        "KMS.DisabledException",
        "KMS.InvalidKeyUsageException",
        "KMS.InvalidStateException",
        "KMS.NotFoundException",
        "KMS.OptInRequired",
        "KmsAccessDenied",
        "KmsDisabled",
        "KmsInvalidKeyUsage",
        "KmsInvalidState",
        "KmsNotFound",
        "KmsOptInRequired",
    }
)
_THROTTLED = frozenset({"KMS.ThrottlingException", "KmsThrottled"})
_OVER_LIMIT = frozenset({"OverLimit"})

_KEY_PAUSE = 60.0
"""Seconds between tries while a key can't be used: that may be put right."""
_LIMIT_PAUSE = 10.0
"""Seconds between tries while too many messages are with their readers."""

_KNOWN = (
    (
        _GONE,
        HealthState.REFUSED,
        0.0,
        "Is the --queue URL right, and of an account that the --profile may read?",
    ),
    (_WRONG, HealthState.REFUSED, 0.0, "Check the --queue URL."),
    (
        _KEY,
        HealthState.DENIED,
        _KEY_PAUSE,
        "Allow kms:Decrypt on the queue's key, and see that the key is enabled.",
    ),
    (_THROTTLED, HealthState.THROTTLED, 0.0, ""),
    (
        _OVER_LIMIT,
        HealthState.THROTTLED,
        _LIMIT_PAUSE,
        "Too many of its messages are with readers; they come free by themselves.",
    ),
)


def reworded(failure: Failure) -> Failure:
    """Put a failure into a queue's words; others stay as they are."""
    code = code_of(failure.__cause__) if failure.__cause__ else ""
    for codes, state, at_least, advice in _KNOWN:
        if code in codes:
            words = f"{failure.message} {advice}".rstrip()
            return Failure(state, words, at_least=at_least)
    # IAM has no DeleteMessageBatch.
    failure.message = failure.message.replace(
        "Allow sqs:DeleteMessageBatch", "Allow sqs:DeleteMessage"
    )
    return failure
