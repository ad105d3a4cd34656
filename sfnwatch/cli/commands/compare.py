"""The command that says how two executions differ."""

from collections.abc import Mapping, Sequence
from typing import Any

import click

from sfnwatch.analysis.compare.compare import compare as compare_executions
from sfnwatch.analysis.compare.document import comparison_document
from sfnwatch.cli import options
from sfnwatch.cli.loading import Loaded, Source, load, sources_argument
from sfnwatch.cli.output import output_to, write_document, write_json
from sfnwatch.cli.settable_option import option
from sfnwatch.errors import UsageError
from sfnwatch.export.json.comparison import comparison_json
from sfnwatch.model.texts import clean
from sfnwatch.view.execution_labels import execution_labels

_PAIR = 2
_NAME_LENGTH = 200
"""Most characters of a name that was given."""
_LISTED_LENGTH = 120
"""Most characters of each name that can be given."""


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
    loaded = load(sources, **asked)
    before, after = _chosen_pair(loaded, names)
    snapshot = loaded.trace.as_of()
    comparison = compare_executions((snapshot, before), (snapshot, after))
    with output_to(asked["output"]) as out:
        if asked["form"] == "json":
            write_json(comparison_json(comparison), out)
        else:
            write_document(asked["form"], out, comparison_document(comparison))
    return loaded.code


def _chosen_pair(loaded: Loaded, names: Sequence[str]) -> Sequence[str]:
    """Return the ARNs of the two executions to compare, the first named first.

    `names` are parts of ARNs or of names; without any, there must be two in all.
    """
    labels = execution_labels(loaded.trace.as_of().roots)
    if names:
        pair = [_named_arn(labels, name) for name in names]
    else:
        named = [arn for arn in loaded.executions if arn in labels]
        pair = [*dict.fromkeys((*named, *labels))]
    count = len(set(pair))
    if count != _PAIR:
        msg = f"Two executions can be compared, not {count}."
        raise UsageError(msg, hint=_hint(labels))
    return pair


def _named_arn(labels: Mapping[str, str], name: str) -> str:
    """Return the ARN that a name means: its last part, its label, or any part of it."""
    arns = [
        arn
        for arn, label in labels.items()
        if name in {arn, arn.rpartition(":")[2], label}
    ]
    if not arns:
        arns = [arn for arn in labels if name in arn]
    if len(arns) != 1:
        count = "several executions" if arns else "no execution"
        shown = clean(name, _NAME_LENGTH)
        raise UsageError(f"{shown!r} names {count}.", hint=_hint(labels))
    return arns[0]


def _hint(labels: Mapping[str, str]) -> str:
    if len(labels) < _PAIR:
        return "Name two recordings, or two executions."
    names: list[str] = []
    for arn, label in labels.items():
        name = clean(arn.rpartition("execution:")[2], _LISTED_LENGTH)
        names.append(f"{label} ({name})")
    return f"Choose two with --execution NAME; there are: {', '.join(names)}."
