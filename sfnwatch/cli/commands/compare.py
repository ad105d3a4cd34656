"""The command that says how two executions differ."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import click

from sfnwatch.analysis.compare.compare import compare as compare_executions
from sfnwatch.analysis.compare.document import comparison_document
from sfnwatch.cli import options
from sfnwatch.cli.loading import NAME_LIMIT, Loaded, Source, load, sources_argument
from sfnwatch.cli.output import output_to, write_document
from sfnwatch.cli.settable_option import option
from sfnwatch.errors import UsageError
from sfnwatch.export.json.comparison import comparison_json
from sfnwatch.model.texts import clean
from sfnwatch.model.values import ascii_json
from sfnwatch.view.wording import execution_labels

_PAIR = 2


def _chosen_pair(found: Loaded, names: Sequence[str]) -> Sequence[str]:
    """Choose the two executions to compare, the first named first.

    `names` are parts of ARNs or of names; without any, there must be two in all.
    """
    labels = execution_labels(found.trace.as_of().roots)
    place = {arn: number for number, arn in enumerate(found.executions)}
    pair = sorted(labels, key=lambda arn: place.get(arn, len(place)))
    if names:
        pair = [_one_named(labels, name) for name in names]
    if (count := len(set(pair))) != _PAIR:
        msg = f"Two executions can be compared, not {count}."
        raise UsageError(msg, hint=_hint(labels))
    return pair


def _one_named(labels: Mapping[str, str], name: str) -> str:
    """Find the execution a name means: its own, the one it is told by, or a part."""
    names = {arn: {arn, arn.rpartition(":")[2], label} for arn, label in labels.items()}
    exact = [arn for arn in names if name in names[arn]]
    found = exact or [arn for arn in labels if name in arn]
    if len(found) != 1:
        many = "several executions" if found else "no execution"
        raise UsageError(
            f"{clean(name, NAME_LIMIT)!r} names {many}.", hint=_hint(labels)
        )
    return found[0]


def _hint(labels: Mapping[str, str]) -> str:
    if len(labels) < _PAIR:
        return "Name two recordings, or two executions."
    known = ", ".join(
        f"{label} ({clean(arn.rpartition('execution:')[2], 120)})"
        for arn, label in labels.items()
    )
    return f"Choose two with --execution NAME; there are: {known}."


@click.command()
@sources_argument(required=True, metavar="A B")
@option(
    "--execution NAME",
    "One of those in the files, by its name or a part of its ARN; give two.",
    dest="names",
    multiple=True,
)
@options.format_option
@options.output_option
@options.aws_options
def compare(sources: list[Source], names: tuple[str, ...], **asked: Any) -> int:
    """Say how two executions differ: states, times, attempts, calls, polls.

    A and B are files as `replay` takes them, or executions as `watch` takes them,
    which are watched to their ends first. Where there are more than two executions in
    them, --execution chooses.

    \b
    sfnwatch compare monday.sfnwatch.jsonl tuesday.sfnwatch.jsonl
    sfnwatch compare three-ways.sfnwatch.jsonl --execution sync --execution denied
    """
    found = load(sources, **asked)
    a, b = _chosen_pair(found, names)
    snapshot = found.trace.as_of()
    told = compare_executions((snapshot, a), (snapshot, b))
    text = partial(ascii_json, comparison_json(told), indent=2)
    with output_to(asked["output"]) as out:
        write_document(asked["form"], out, text, comparison_document(told))
    return found.code
