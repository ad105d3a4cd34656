"""What was typed to name an execution, or to have one found: a pure reading of it.

An execution has an ARN and pages in the console; so have its state machine and a Map
Run, by which executions are found. A state machine has a name that people know by
heart. Everything else is refused, with words that say what it is.
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
from sfnwatch.model.values import clean

HINT = (
    "Give an execution's ARN or console URL, or the ARN or the name of its state"
    " machine."
)
_SHOWN = 200
_LONGEST = 80
"""Characters of a name: AWS's own bound."""
_FORBIDDEN = re.compile(r"[\s<>{}\[\]?*\"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]")
"""What AWS lets no name contain."""
_URL = re.compile(r"https?://", re.IGNORECASE)
_ANY_ARN = re.compile(r"arn:[a-z-]*:(?P<service>[a-z0-9-]*):", re.IGNORECASE)
_FILE = re.compile(r"\.(jsonl?|csv)(\.gz|\.zst)?$", re.IGNORECASE)
_QUOTES = "\"'`"


def named_executions(texts: Sequence[str]) -> list[Named]:
    """Read what names executions; raises UsageError, also where nothing does."""
    read = [named for text in texts if (named := named_execution(text)) is not None]
    if not read:
        raise UsageError("No execution is named.", hint=HINT)
    return read


def named_execution(text: str) -> Named | None:
    """Read what names an execution, or what it is found by; None if nothing is there.

    Raises UsageError, which says what else it is and what to give.
    """
    text = _bare(text)
    if not text:
        return None
    try:
        named = parse_states_arn(text)
    except ValueError as error:
        if _is_address(text):
            msg = f"{clean(text, _SHOWN)!r} names no execution: {_found(text, error)}."
            raise UsageError(msg, hint=HINT) from error
        return _name(text)
    if not named.arn.isprintable():
        # AWS gives no such name: it can only be there to act on a terminal.
        msg = f"{clean(text, _SHOWN)!r} names no execution: no ARN has such characters."
        raise UsageError(msg, hint=HINT)
    return named


def concerns(named: Named, execution: ExecutionArn) -> bool:
    """True for an execution of the state machine that is named, Map Runs' among them.

    An execution or a Map Run stands for its state machine; a name alone for those of
    any account and Region.
    """
    if not isinstance(named, MachineName):
        places = {(e.partition, e.account, e.region) for e in (named, execution)}
        if len(places) > 1:
            return False
    if isinstance(named, MachineName | StateMachineArn):
        own = named.name
    else:
        own = named.state_machine_name
    # A Map Run's label stands behind a slash.
    names = {each.partition("/")[0] for each in (own, execution.state_machine_name)}
    return len(names) == 1


def looks_like_file(text: str) -> bool:
    """True for what names no execution, and has a folder or a file's ending in it."""
    text = _bare(text)
    if _is_address(text):
        return False
    return "/" in text or "\\" in text or _FILE.search(text) is not None


def _is_address(text: str) -> bool:
    return bool(_URL.match(text) or _ANY_ARN.search(unquote(text)))


def _bare(text: str) -> str:
    """Take off the quotes that were copied along."""
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in _QUOTES:
        text = text[1:-1].strip()
    return text


def _found(text: str, error: ValueError) -> str:
    """Say what an address or an ARN that is of no use is."""
    arn = _ANY_ARN.search(unquote(text))
    if arn is None:
        return "it is an address with no ARN in it"
    if arn["service"] != "states":
        service = arn["service"] or "no service"
        return f"it is an ARN of {clean(service, _SHOWN)}, not of Step Functions"
    said = str(error)
    if said.startswith("no ARN"):
        return "it is no whole ARN of Step Functions"
    return said


def _name(text: str) -> MachineName:
    """Take it for a state machine's name, if AWS would."""
    shown = clean(text, _SHOWN)
    if _FILE.search(text):
        msg = f"{shown!r} looks like a file's name."
        raise UsageError(msg, hint=f"For a file: sfnwatch replay FILE. {HINT}")
    if ":" in text and not _FORBIDDEN.search(text.replace(":", "")):
        msg = (
            f"{shown!r} may be a version, an alias or an execution of"
            f" {text.partition(':')[0]!r}."
        )
        raise UsageError(msg, hint="Give its whole ARN, which tells them apart.")
    bad = _FORBIDDEN.search(text)
    if bad is not None:
        msg = f"{shown!r} is no name of a state machine: none has {clean(bad[0])!r}."
        raise UsageError(msg, hint=HINT)
    if len(text) > _LONGEST or not text.isprintable():
        msg = f"{shown!r} is no name of a state machine."
        raise UsageError(msg, hint=f"They have at most {_LONGEST} characters. {HINT}")
    return MachineName(text)
