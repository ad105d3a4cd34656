"""The texts by which a person names executions.

An execution is named by its ARN or by a page in the console; it can be found by its
state machine or Map Run, which are named in the same ways. A state machine also has a
name, which people know by heart. Every other text is refused, with words that say what
it is.
"""

import re
from collections.abc import Sequence
from urllib.parse import unquote

from sfnwatch.errors import UsageError
from sfnwatch.model.arns import (
    ExecutionArn,
    MachineName,
    Named,
    StateMachineArn,
    parse_states_arn,
)
from sfnwatch.model.texts import clean

NAMING_HINT = (
    "Give an execution's ARN or console URL, or the ARN or the name of its state"
    " machine."
)
_SHOWN_LENGTH = 200
"""Most characters of a text in a message."""
_NAME_LENGTH = 80
"""Most characters of a name, by AWS's own limit."""
_FORBIDDEN = re.compile(r"[\s<>{}\[\]?*\"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]")
"""Characters that AWS allows in no name."""
_URL = re.compile(r"https?://", re.IGNORECASE)
_ANY_ARN = re.compile(r"arn:[a-z-]*:[a-z0-9-]*:", re.IGNORECASE)
_FILE = re.compile(r"\.(jsonl?|csv)(\.gz|\.zst)?$", re.IGNORECASE)


def named_executions(texts: Sequence[str]) -> list[Named]:
    """Read texts that name executions; raises UsageError, also if none does."""
    named = read_executions(texts)
    if not named:
        raise UsageError("No execution is named.", hint=NAMING_HINT)
    return named


def read_executions(texts: Sequence[str]) -> list[Named]:
    """Read texts that name executions, of which some may be blank."""
    return list(filter(None, map(named_execution, texts)))


def named_execution(text: str) -> Named | None:
    """Read a text that names an execution, or what it is found by; None if it is blank.

    Raises UsageError, which says what the text is instead, and what to give.
    """
    text = text.strip()
    if not text:
        return None
    problem = ""
    try:
        named = parse_states_arn(text)
    except ValueError as error:
        if not _is_address(text):
            return _machine_name(text)
        problem = str(error)
    else:
        if named.arn.isprintable():
            return named
        # AWS allows no such name: the characters can only be meant for a terminal.
        problem = "no ARN has such characters"
    shown = clean(text, _SHOWN_LENGTH)
    raise UsageError(f"{shown!r} names no execution: {problem}.", hint=NAMING_HINT)


def concerns(named: Named, execution: ExecutionArn) -> bool:
    """True for an execution of the named state machine, also one of its Map Runs.

    A named execution or Map Run stands for its state machine. A bare name stands for
    the state machines of that name in any account and Region.
    """
    if not isinstance(named, MachineName):
        place = (named.partition, named.account, named.region)
        if place != (execution.partition, execution.account, execution.region):
            return False
    if isinstance(named, MachineName | StateMachineArn):
        name = named.name
    else:
        name = named.state_machine_name
    # A Map Run's label follows a slash.
    machine = execution.state_machine_name.partition("/")[0]
    return name.partition("/")[0] == machine


def looks_like_file(text: str) -> bool:
    """True for a text with a folder or a file's ending, if it is no ARN and no URL."""
    if _is_address(text):
        return False
    return "/" in text or "\\" in text or _FILE.search(text) is not None


def _is_address(text: str) -> bool:
    return bool(_URL.match(text) or _ANY_ARN.search(unquote(text)))


def _machine_name(text: str) -> MachineName:
    """Read a state machine's name; raises UsageError if AWS would not allow it."""
    shown = clean(text, _SHOWN_LENGTH)
    if _FILE.search(text):
        hint = f"For a file: sfnwatch replay FILE. {NAMING_HINT}"
        raise UsageError(f"{shown!r} looks like a file's name.", hint=hint)
    is_long = len(text) > _NAME_LENGTH
    if is_long or _FORBIDDEN.search(text) or not text.isprintable():
        msg = f"{shown!r} is no name of a state machine."
        raise UsageError(msg, hint=NAMING_HINT)
    return MachineName(text)
