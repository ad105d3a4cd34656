"""The command that says what happened, with evidence."""

from typing import Any

import click

from sfnwatch.analysis.lists import some
from sfnwatch.cli import options
from sfnwatch.cli.loading import NAME_LIMIT, Loaded, Source, load, sources_argument
from sfnwatch.cli.output import output_to, write_document, write_report
from sfnwatch.cli.settable_option import option
from sfnwatch.errors import UsageError
from sfnwatch.export.json.why import why_json
from sfnwatch.model.api_call import CALL_KEY, ApiCall
from sfnwatch.model.texts import clean
from sfnwatch.model.values import ascii_json
from sfnwatch.view.weighing import why as weigh

_LISTED = 10
"""Event IDs that are listed."""


def _chosen_call(found: Loaded, text: str) -> ApiCall:
    """Find the call that an event ID, its beginning, or `call#…` means.

    Of a redacted one the ID in AWS's records will do, and so will its alias.
    """
    told = text.strip().removeprefix(CALL_KEY).removesuffix("…")
    originals = found.originals
    calls = found.trace.calls
    known = {name: e for e in calls for name in (e, originals.get(e, e))}
    same = [known[told]] if told in known else []
    # Findings name a row of an Athena table without what stands before its number.
    begun = (told, f"row-{told}")
    if told and not same:
        same = [*dict.fromkeys(known[n] for n in known if n.startswith(begun))]
    if len(same) == 1:
        return calls[same[0]]
    shown = clean(told, NAME_LIMIT)
    if same:
        ids = some((clean(originals.get(each, each)) for each in same), _LISTED)
        msg = f"{shown!r} begins the event IDs of several calls."
        raise UsageError(msg, hint=f"They are {ids}.")
    msg = f"No call here has the event ID {shown!r}."
    hint = "sfnwatch export … --to json lists the calls, each with its event_id."
    raise UsageError(msg, hint=hint)


@click.command()
@sources_argument(required=True, metavar="FILE…|EXECUTION…")
@option(
    "--why EVENT_ID",
    "Instead, say of this call why it is matched, or is not: what speaks for and"
    " against each attempt that was considered. The beginning of its event ID will do.",
    multiple=True,
)
@options.format_option
@options.output_option
@options.redact_option
@options.aws_options
def explain(sources: list[Source], why: tuple[str, ...], **asked: Any) -> int:
    """Say what happened: what failed, where the time went, who called what.

    FILES are what `replay` takes; a history alone, or calls alone, will do: what isn't
    visible is said. An EXECUTION is named as `watch` takes it, by its state machine
    too, and is watched to its end first. Each finding has its evidence, and says
    whether it is a fact or an inference.

    \b
    sfnwatch explain run.sfnwatch.jsonl
    sfnwatch explain nightly-report --format markdown -o report.md
    sfnwatch explain run.sfnwatch.jsonl --why 110593b7
    """
    found = load(sources, **asked)
    chosen = (_chosen_call(found, text) for text in why)
    calls = {call.event_id: call for call in chosen}.values()
    snapshot = found.trace.as_of()
    form: str = asked["form"]
    with output_to(asked["output"]) as out:
        if calls:
            lines = (ascii_json(why_json(snapshot, call)) for call in calls)
            write_document(form, out, lambda: "\n".join(lines), weigh(snapshot, calls))
        else:
            write_report(snapshot, form, out)
    return found.code
