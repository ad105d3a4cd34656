"""The settings of AWS and the options of a watch, from the options of a command."""

from typing import Any

from sfnwatch.cli.account import choose_account
from sfnwatch.errors import UsageError
from sfnwatch.sources.aws_settings import AwsSettings
from sfnwatch.sources.live_options import CallOptions, ChildOptions, LiveOptions


def choose_aws(**asked: Any) -> tuple[AwsSettings, LiveOptions]:
    """Return the settings of AWS and the options of a watch, from a command's options.

    Raises UsageError for options that can't be.
    """
    account = choose_account(**asked)
    known = {k: v for k, v in asked.items() if k in CallOptions.__struct_fields__}
    calls = CallOptions(lookup=not asked["no_lookup"], **known)
    _check_pairs(calls)
    _check_places(calls)
    children = ChildOptions(asked["depth"], asked["children"])
    redrive = asked.get("follow_redrive", False)
    drain = asked["drain"]
    return account, LiveOptions(calls, children, drain, follow_redrive=redrive)


_PAIRS = (
    ("consume", "--queue URL", "queue"),
    ("live_tail", "--log-group NAME", "log_group"),
    ("sql", "--archive PATH", "archive"),
    ("athena_partitions", "--athena TABLE", "athena"),
    ("athena_workgroup", "--athena TABLE", "athena"),
    ("athena_output", "--athena TABLE", "athena"),
)
"""An option that needs another one, how that one is written, and its name."""


def _check_pairs(calls: CallOptions) -> None:
    """Raise UsageError for an option that needs another one which is not given."""
    for name, needs, other in _PAIRS:
        there = getattr(calls, other)
        if name == "sql" and there and "://" in there:
            there = None
        if getattr(calls, name) and not there:
            msg = f"--{name.replace('_', '-')} is for {needs}."
            raise UsageError(msg, hint="Give both, or leave it out.")


def _check_places(calls: CallOptions) -> None:
    """Raise UsageError for a text that can't name a queue, a bucket or a table.

    That is checked before anything is asked.
    """
    if calls.queue is not None:
        from sfnwatch.sources.queue_address import parse_queue_url

        parse_queue_url(calls.queue)
    if calls.archive is not None:
        from sfnwatch.sources.archive_bucket import parse_place

        parse_place(calls.archive)
    if calls.sql:
        from sfnwatch.sources.duck_trail import check_duckdb

        check_duckdb()
    if calls.lake is not None:
        from sfnwatch.sources.lake import lake_table

        lake_table(calls.lake)
    if calls.athena is not None:
        from sfnwatch.sources.athena import athena_place

        athena_place(calls)
