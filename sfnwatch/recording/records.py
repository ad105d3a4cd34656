"""Whether a record is what its source says: asked once, while its line is known."""

from sfnwatch.trace.calls import decode_call, read_call
from sfnwatch.trace.events import From, Received
from sfnwatch.trace.express import decode_express
from sfnwatch.trace.health import read_health
from sfnwatch.trace.history import DecodeError, decode_history
from sfnwatch.trace.payload import text_of
from sfnwatch.trace.requests import decode_request
from sfnwatch.trace.task_states import decode_task_state


def check(received: Received) -> None:
    """Raise ValueError for a record that can't be decoded; unknown sources pass."""
    match received.source:
        case From.HISTORY:
            decode_history(received.data)
            _check_execution(received)
        case From.EXPRESS:
            decode_express(received.data)
            _check_execution(received)
        case From.DESCRIBE | From.DEFINITION:
            _check_execution(received)
        case From.LOOKUP | From.TRAIL | From.ATHENA:
            decode_call(received)
        case From.TASK_STATE:
            decode_task_state(received)
        case From.HEALTH:
            _check_health(received)
        case From.REQUEST:
            decode_request(received)


def kept(received: Received) -> Received:
    """Give a record that was checked, as what keeps very many is to have it."""
    match received.source:
        case From.LOOKUP | From.TRAIL | From.ATHENA:
            return read_call(received)
    return received


def _check_execution(received: Received) -> None:
    if not received.execution_arn and not text_of(received.data.get("executionArn")):
        msg = f"a {received.source} record that names no execution"
        raise DecodeError(msg)


def _check_health(received: Received) -> None:
    try:
        read_health(received.data)
    except OverflowError as error:
        msg = f"not a health record: {error}"
        raise DecodeError(msg) from error
