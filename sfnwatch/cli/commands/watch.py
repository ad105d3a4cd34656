"""The command that watches executions, live."""

from typing import Any

import click
from msgspec.structs import replace

from sfnwatch.cli import options
from sfnwatch.cli.account import sign_in
from sfnwatch.cli.collector import send_spans
from sfnwatch.cli.display import choose_display
from sfnwatch.cli.execution_names import NAMING_HINT
from sfnwatch.cli.execution_search import choose_filter, find_executions
from sfnwatch.cli.picker import choose_executions
from sfnwatch.cli.settable_option import flag
from sfnwatch.cli.setting_origin import is_typed, source_of
from sfnwatch.cli.show import show, show_files
from sfnwatch.cli.watch_options import choose_aws
from sfnwatch.errors import Outcome, UsageError
from sfnwatch.model.arns import Named
from sfnwatch.session import sessions
from sfnwatch.session.fail_fast import end_at_first_failure


@click.command()
@options.executions_argument(metavar="[EXECUTION…]")
@flag("--next", "Wait for the next execution of a state machine.", dest="coming")
@flag(
    "--pick",
    "Choose among the executions of what is named; an execution's are the children of"
    " its Map Runs.",
)
@flag(
    "--follow-redrive",
    "Keep watching after a failure: look once a minute for a redrive, for the 14 days"
    " in which it may come.",
)
@flag(
    "--fail-fast",
    "End as soon as one of several executions has failed; its late calls are not"
    " waited for.",
)
@options.filter_options
@options.aws_options
@options.display_options
@options.otlp_option
def watch(
    executions: list[Named],
    *,
    coming: bool,
    pick: bool,
    fail_fast: bool,
    **shared: Any,
) -> int:
    """Watch executions: their states, and the calls made for them.

    EXECUTION is the ARN of an execution, or a console URL with it in it. A state
    machine's ARN or name stands for its newest execution, with --next for the next
    one; a Map Run's ARN for its newest. Without any, or with --pick, you choose on the
    screen, among what was recorded too. The Region is the ARN's. Several are shown on
    one time axis. Everything you watch is recorded and can be replayed. The exit code
    is the outcome; 14 where one still runs when you quit, 3 where AWS refuses to tell.

    \b
    sfnwatch arn:aws:states:REGION:ACCOUNT:execution:MACHINE:NAME
    sfnwatch nightly-report --next
    sfnwatch ARN --plain --no-record | grep failed
    """
    if pick and coming:
        raise UsageError("--pick and --next can't be combined.", hint="Choose one.")
    display = choose_display(**shared)
    settings, live_options = choose_aws(**shared)
    settings = sign_in(settings, live_options.calls.profiles)
    screen = display.screen
    if screen and not coming and (pick or not executions):
        within = _one_of(executions)
        list_filter = choose_filter(**shared)
        arns, recordings, requests = choose_executions(
            within, settings, screen, list_filter
        )
        if recordings:
            return show_files(recordings, None, **shared)
    elif executions:
        for name in filter(is_typed, ("statuses", "since")):
            msg = f"{source_of(name)} is for a list to choose from."
            raise UsageError(msg, hint="Give --pick too, or use sfnwatch list.")
        arns, requests = find_executions(executions, settings, coming=coming)
    else:
        raise UsageError("No execution is named.", hint=NAMING_HINT)
    if not arns:
        return Outcome.SUCCEEDED
    if screen:
        live_options = replace(live_options, tries=None)
    session = sessions.live(arns, settings, live_options, asked=requests)
    if fail_fast:
        end_at_first_failure(session)
    send_spans(session, shared["otlp"])
    return show(session, display)


def _one_of(executions: list[Named]) -> Named | None:
    """Return what is named; raises UsageError if that is more than one."""
    count = len(executions)
    if count > 1:
        msg = f"--pick chooses among the executions of one; {count} are named."
        hint = "Name one, or none for all of the account's."
        raise UsageError(msg, hint=hint)
    return executions[0] if executions else None
