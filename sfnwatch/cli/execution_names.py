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
_SHOWN = 200
_LONGEST = 80
"""Most characters of a name, by AWS's own limit."""
_FORBIDDEN = re.compile(r"[\s<>{}\[\]?*\"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]")
"""Characters that AWS allows in no name."""
_URL = re.compile(r"https?://", re.IGNORECASE)
_ANY_ARN = re.compile(r"arn:[a-z-]*:[a-z0-9-]*:", re.IGNORECASE)
_FILE = re.compile(r"\.(jsonl?|csv)(\.gz|\.zst)?$", re.IGNORECASE)


def named_executions(texts: Sequence[str]) -> list[Named]:
    """Read texts that name executions; raises UsageError, also if none does."""
    read = [named for text in texts if (named := named_execution(text)) is not None]
    if not read:
        raise UsageError("No execution is named.", hint=NAMING_HINT)
    return read


def named_execution(text: str) -> Named | None:
    """Read a text that names an execution, or what it is found by; None if it is blank.

    Raises UsageError, which says what the text is instead, and what to give.
    """
    text = text.strip()
    if not text:
        return None
    try:
        named = parse_states_arn(text)
        # AWS allows no such name: the characters can only be meant for a terminal.
        why = "" if named.arn.isprintable() else "no ARN has such characters"
    except ValueError as error:
        if not _is_address(text):
            return _name(text)
        why = str(error)
    if why:
        msg = f"{clean(text, _SHOWN)!r} names no execution: {why}."
        raise UsageError(msg, hint=NAMING_HINT)
    return named


def concerns(named: Named, execution: ExecutionArn) -> bool:
    """True for an execution of the named state machine, also one of its Map Runs.

    A named execution or Map Run stands for its state machine. A bare name stands for
    the state machines of that name in any account and Region.
    """
    if not isinstance(named, MachineName):
        places = {(e.partition, e.account, e.region) for e in (named, execution)}
        if len(places) > 1:
            return False
    if isinstance(named, MachineName | StateMachineArn):
        own = named.name
    else:
        own = named.state_machine_name
    # A Map Run's label follows a slash.
    names = {each.partition("/")[0] for each in (own, execution.state_machine_name)}
    return len(names) == 1


def looks_like_file(text: str) -> bool:
    """True for a text with a folder or a file's ending, if it is no ARN and no URL."""
    if _is_address(text):
        return False
    return "/" in text or "\\" in text or _FILE.search(text) is not None


def _is_address(text: str) -> bool:
    return bool(_URL.match(text) or _ANY_ARN.search(unquote(text)))


def _name(text: str) -> MachineName:
    """Read a state machine's name; raises UsageError if AWS would not allow it."""
    if _FILE.search(text):
        why = "looks like a file's name."
        hint = f"For a file: sfnwatch replay FILE. {NAMING_HINT}"
    elif _FORBIDDEN.search(text) or len(text) > _LONGEST or not text.isprintable():
        why = "is no name of a state machine."
        hint = NAMING_HINT
    else:
        return MachineName(text)
    raise UsageError(f"{clean(text, _SHOWN)!r} {why}", hint=hint)
