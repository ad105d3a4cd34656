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
    fields = CallOptions.__struct_fields__
    given = {name: asked[name] for name in fields if name in asked}
    calls = CallOptions(lookup=not asked["no_lookup"], **given)
    _check_pairs(calls)
    _check_places(calls)
    live_options = LiveOptions(
        calls,
        ChildOptions(asked["depth"], asked["children"]),
        asked["drain"],
        follow_redrive=asked.get("follow_redrive", False),
    )
    return account, live_options


_PAIRS = (
    ("consume", "queue", "--queue URL"),
    ("live_tail", "log_group", "--log-group NAME"),
    ("sql", "archive", "--archive PATH"),
    ("athena_partitions", "athena", "--athena TABLE"),
    ("athena_workgroup", "athena", "--athena TABLE"),
    ("athena_output", "athena", "--athena TABLE"),
)
"""An option, the option that it needs, and how that one is written."""


def _check_pairs(calls: CallOptions) -> None:
    """Raise UsageError for an option that needs another one which is not given."""
    for name, needed_name, needed_words in _PAIRS:
        needed = getattr(calls, needed_name)
        if name == "sql" and needed and "://" in needed:
            # DuckDB reads folders alone, and no bucket.
            needed = None
        if getattr(calls, name) and not needed:
            msg = f"--{name.replace('_', '-')} is for {needed_words}."
            raise UsageError(msg, hint="Give both, or leave it out.")


def _check_places(calls: CallOptions) -> None:
    """Raise UsageError for a text that can't name a queue, a bucket or a table.

    This happens before any request is sent.
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
