"""The command that says what happened, with evidence."""

from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import click

from sfnwatch.analysis.lists import some
from sfnwatch.analysis.names import named
from sfnwatch.analysis.state_document import (
    VisitOf,
    key_of_visit,
    state_document,
    visits_to,
)
from sfnwatch.cli import options
from sfnwatch.cli.loading import Loaded, Source, load, sources_argument
from sfnwatch.cli.output import output_to, write_document, write_report
from sfnwatch.cli.settable_option import option
from sfnwatch.config.mistakes import near
from sfnwatch.errors import UsageError
from sfnwatch.export.json.state_changes import state_changes_json
from sfnwatch.export.json.why import why_json
from sfnwatch.model.api_call import CALL_KEY, ApiCall
from sfnwatch.model.snapshot import Snapshot
from sfnwatch.model.texts import clean
from sfnwatch.model.values import ascii_json
from sfnwatch.model.visits import VisitKey
from sfnwatch.view.why_document import why_document

_NAME_LENGTH = 200
"""Most characters of an event ID."""
_LISTED = 10
"""Most event IDs that are listed."""


@click.command()
@sources_argument(required=True, metavar="FILE…|EXECUTION…")
@option(
    "--why EVENT_ID",
    "Instead, say of this call why it is matched, or is not: what speaks for and"
    " against each attempt that was considered. The beginning of its event ID will do.",
    multiple=True,
)
@option(
    "--state NAME",
    "Instead, say of each visit to this state what it changed: its output beside its"
    " input, path by path. A path, as in the detail, names one branch or iteration.",
    multiple=True,
)
@options.format_option
@options.output_option
@options.redact_option
@options.aws_options
def explain(
    sources: list[Source], why: tuple[str, ...], state: tuple[str, ...], **asked: Any
) -> int:
    """Say what happened: what failed, where the time went, who called what.

    FILES are what `replay` takes; a history alone, or calls alone, will do: what isn't
    visible is said. An EXECUTION is named as `watch` takes it, by its state machine
    too, and is watched to its end first. Each finding has its evidence, and says
    whether it is a fact or an inference.

    \b
    sfnwatch explain run.sfnwatch.jsonl
    sfnwatch explain nightly-report --format markdown -o report.md
    sfnwatch explain run.sfnwatch.jsonl --why 110593b7
    sfnwatch explain run.sfnwatch.jsonl --state "Prepare order"
    """
    if why and state:
        msg = "--why and --state can't be combined."
        raise UsageError(msg, hint="Choose one.")
    loaded = load(sources, **asked)
    form: str = asked["form"]
    output: Path | None = asked["output"]
    if why:
        _explain_calls(loaded, why, form, output)
    elif state:
        _explain_states(loaded.trace.as_of(), state, form, output)
    else:
        with output_to(output) as out:
            write_report(loaded.trace.as_of(), form, out)
    return loaded.code


def _explain_calls(
    loaded: Loaded, event_ids: Sequence[str], form: str, output: Path | None
) -> None:
    """Write why calls are matched; raises UsageError for one that is not there."""
    calls: dict[str, ApiCall] = {}
    for event_id in event_ids:
        call = _chosen_call(loaded, event_id)
        calls[call.event_id] = call
    snapshot = loaded.trace.as_of()
    with output_to(output) as out:
        if form == "json":
            for call in calls.values():
                out.write(f"{ascii_json(why_json(snapshot, call))}\n")
        else:
            write_document(form, out, why_document(snapshot, calls.values()))


def _explain_states(
    snapshot: Snapshot, states: Sequence[str], form: str, output: Path | None
) -> None:
    """Write what states changed; raises UsageError for one that was not entered."""
    parts: list[list[VisitOf]] = []
    written: set[VisitKey] = set()
    for state in states:
        visits = visits_to(snapshot, state)
        if not visits:
            raise _no_such_state(snapshot, state)
        # Two names may mean the same visit.
        parts.append([each for each in visits if key_of_visit(each) not in written])
        written.update(map(key_of_visit, visits))
    with output_to(output) as out:
        if form == "json":
            for execution, visit in chain.from_iterable(parts):
                facts = state_changes_json(snapshot, execution, visit)
                out.write(f"{ascii_json(facts)}\n")
        else:
            documents = [state_document(snapshot, visits) for visits in parts]
            write_document(form, out, chain.from_iterable(documents))


def _no_such_state(snapshot: Snapshot, state: str) -> UsageError:
    names: dict[str, None] = {}
    for execution in snapshot.executions.values():
        for visit in execution.visits:
            names[visit.name] = None
    shown = clean(state, _NAME_LENGTH)
    msg = f"No execution here has entered a state {shown!r}."
    hint = near(state, names)
    if not hint and names:
        hint = f"There are {some(map(named, names), _LISTED)}."
    return UsageError(msg, hint=hint)


def _chosen_call(loaded: Loaded, text: str) -> ApiCall:
    """Return the call that an event ID, its beginning, or `call#…` means.

    A redacted call is found by the ID in AWS's records and by its alias.
    """
    wanted = text.strip().removeprefix(CALL_KEY).removesuffix("…")
    originals = loaded.originals
    event_ids: dict[str, str] = {}
    for event_id in loaded.trace.calls:
        event_ids[event_id] = event_id
        event_ids[originals.get(event_id, event_id)] = event_id
    candidates = _candidates(event_ids, wanted)
    if len(candidates) == 1:
        return loaded.trace.calls[candidates[0]]
    shown = clean(wanted, _NAME_LENGTH)
    if candidates:
        names = (clean(originals.get(name, name)) for name in candidates)
        msg = f"{shown!r} begins the event IDs of several calls."
        raise UsageError(msg, hint=f"They are {some(names, _LISTED)}.")
    msg = f"No call here has the event ID {shown!r}."
    hint = "sfnwatch export … --to json lists the calls, each with its event_id."
    raise UsageError(msg, hint=hint)


def _candidates(event_ids: Mapping[str, str], wanted: str) -> list[str]:
    """Return the event IDs of a name, or else of those that begin with it."""
    if wanted in event_ids:
        return [event_ids[wanted]]
    if not wanted:
        return []
    # Findings name a row of an Athena table without what stands before its number.
    beginnings = (wanted, f"row-{wanted}")
    names = [name for name in event_ids if name.startswith(beginnings)]
    return [*dict.fromkeys(event_ids[name] for name in names)]
