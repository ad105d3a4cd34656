"""The commands that print: templates and policies to set up, schemas, and the manual.

None of them touches an account. The templates are in `templates/`.

- The queue: a rule gets calls that only read only if its state is
  ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS; such a call is the DescribeTasks by
  which Step Functions polls. Whatever the rule's state, there are events of API calls
  only if a trail logs the calls.
- The lab: the rule by which Step Functions learns of a task's end is not in the stack.
  Step Functions makes it when a `.sync` machine is made, one for the account and
  Region. Both roles must be allowed to make it.
- The table: its columns and SerDe are those of AWS's documentation. That has one
  partition column, the day; this table also has the account and the Region, and all
  three are projected.
"""

import json
import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from string import Template
from typing import Any

import click
from click import shell_completion as click_shells

from sfnwatch import __version__
from sfnwatch.cli.command_tree import commands
from sfnwatch.cli.narration import put, put_json
from sfnwatch.cli.parameter_types import SINCE, CommaChoice, Parsed, form, matched
from sfnwatch.cli.settable_option import flag, option
from sfnwatch.sources.permissions import Feature
from sfnwatch.sources.permissions import iam_policy as policy
from sfnwatch.templates import read_template


def _root(bucket: str) -> str:
    """Return the folder that has `AWSLogs` in it; raises ValueError."""
    name, _, prefix = bucket.removeprefix("s3://").partition("/")
    prefix = prefix.strip("/").removesuffix("AWSLogs").strip("/")
    matched(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", name)
    matched(r"[A-Za-z0-9!_.*()/=-]*", prefix)
    return f"s3://{name}/{prefix}/" if prefix else f"s3://{name}/"


def _event_source(name: str) -> str:
    """Return a service's full name, given with its ending or without.

    Raises ValueError.
    """
    short = matched(r"[a-z0-9.-]+", name.lower().removesuffix(".amazonaws.com"))[0]
    return f"{short}.amazonaws.com"


_TRAIL = Parsed(_root, "bucket of a trail", "BUCKET or s3://BUCKET/PREFIX")
_SOURCE = Parsed(_event_source, "service with events", "ecs or ecs.amazonaws.com")
_ID = Parsed(form(r"[0-9]{12}"), "ID", "123456789012")
_REGION = Parsed(form(r"[a-z]{2,}(-[a-z]+)+-[0-9]+"), "Region", "eu-west-1")
_ORGANIZATION = Parsed(
    form(r"o-[a-z0-9]{10,32}"), "organization's ID", "o-exampleorgid"
)
_NAME = Parsed(form(r"[a-z0-9_]{1,128}"), "name", "cloudtrail_logs")


@click.command("iam-policy")
@option(
    "--with OPTION",
    f"Also for this option: {', '.join(Feature)}.",
    dest="features",
    multiple=True,
    type=CommaChoice([*map(str, Feature)]),
)
def iam_policy(features: tuple[str, ...]) -> None:
    """Print the minimal IAM policy for watching; all of it only reads.

    What --with adds may do more: `consume` deletes messages that were read. The
    resources are wide: narrow them to your queue, bucket, log group, table.

    \b
    sfnwatch iam-policy > policy.json
    sfnwatch iam-policy --with queue --with start
    """
    put_json(policy([Feature(name) for name in features]))


@click.command("setup-queue")
@click.argument("services", nargs=-1, type=_SOURCE, metavar="[SERVICE…]")
def setup_queue(services: tuple[str, ...]) -> None:
    """Print a CloudFormation template of what --queue needs; nothing is applied.

    A queue, and EventBridge rules that feed it with the calls Step Functions makes and
    with the states of ECS tasks. SERVICES, such as `ecs`, narrow the calls to theirs. A
    trail must be logging in the account and Region.

    \b
    sfnwatch setup-queue ecs > queue.json
    aws cloudformation deploy --stack-name sfnwatch-queue --template-file queue.json
    """
    put_json(queue_template(services))


@click.command()
@flag("--with-queue", "With what --queue needs; takes a trail.")
def lab(*, with_queue: bool) -> None:
    """Print a CloudFormation template of an experiment; nothing is applied.

    A Fargate task that sleeps for five minutes, and four state machines that run it in
    as many ways: see which calls each makes, and how Step Functions learns that the
    task has stopped. It costs nothing while nothing runs; each execution far below one
    US cent.

    \b
    sfnwatch lab > lab.json
    aws cloudformation deploy --stack-name sfnwatch-lab \\
      --template-file lab.json --capabilities CAPABILITY_IAM
    aws cloudformation describe-stacks --stack-name sfnwatch-lab \\
      --query 'Stacks[0].Outputs'
    aws stepfunctions start-execution --state-machine-arn ARN   # of each
    sfnwatch ARN ARN ARN ARN                                    # of all four
    aws cloudformation delete-stack --stack-name sfnwatch-lab   # when no task runs
    """
    template: dict[str, Any] = json.loads(read_template("lab.json"))
    if with_queue:
        for part, more in queue_template(["ecs.amazonaws.com"]).items():
            if isinstance(more, dict):
                template[part] |= more
    put_json(template)


@click.command("athena-ddl")
@click.argument("root", type=_TRAIL, metavar="BUCKET|s3://BUCKET/PREFIX")
@option("--account", "An account's ID.", dest="accounts", type=_ID, multiple=True)
@option(
    "--region", "A Region.", dest="regions", type=_REGION, multiple=True, required=True
)
@option("--organization o-ID", "For an organization's trail.", type=_ORGANIZATION)
@option(
    "--since",
    "The trail's first day; 90 days ago, if not given.",
    type=SINCE,
    default="90d",
    show_default=False,
)
@option("--table", "", type=_NAME, default="cloudtrail_logs")
def athena_ddl(root: str, table: str, **asked: Any) -> None:
    """Print the statement that makes a table over a trail; nothing is applied.

    Its partitions are projected: a query reads the files of the days, the account and
    the Region it names, and no crawler is needed. Give each account and Region that
    you want to query; without accounts each query must name one.

    \b
    sfnwatch athena-ddl s3://my-trail --account 123456789012 --region eu-west-1
    """
    since: datetime | timedelta = asked["since"]
    first = since if isinstance(since, datetime) else datetime.now(UTC) - since
    organization = asked["organization"]
    root = f"{root}AWSLogs/" + (f"{organization}/" if organization else "")
    projected = _projected("account", asked["accounts"])
    projected |= _projected("region", asked["regions"])
    listed = "\n".join(f"  '{key}' = '{value}'," for key, value in projected.items())
    statement = Template(read_template("athena_table.sql"))
    day = f"{first:%Y/%m/%d}"
    put(statement.substitute(table=table, location=root, projected=listed, first=day))


def _projected(column: str, values: Sequence[str]) -> dict[str, str]:
    """Return the properties that project a column: from a list, or from each query.

    Without values, each query must name one: so it is for the accounts of an
    organization's trail, which come and go.
    """
    kind = f"projection.{column}.type"
    if not values:
        return {kind: "injected"}
    known = ",".join(dict.fromkeys(values))
    return {kind: "enum", f"projection.{column}.values": known}


# -- the queue -------------------------------------------------------------------------


def queue_template(services: Sequence[str] = ()) -> dict[str, Any]:
    """Return the queue's template, for the calls of some services; of all without any.

    Services are named as in CloudTrail: `ecs.amazonaws.com`.
    """
    template: dict[str, Any] = json.loads(read_template("queue.json"))
    if services:
        pattern = template["Resources"]["CallsRule"]["Properties"]["EventPattern"]
        pattern["detail"]["eventSource"] = list(dict.fromkeys(services))
    return template


# -- completion ------------------------------------------------------------------------


@click_shells.add_completion_class
class Bash(click_shells.BashComplete):
    """Completion for bash, by the line up to the cursor.

    Bash cuts words at colons, which ARNs are full of, and at `=`. So this script passes
    on the line as it is, while click's script passes on the words.
    """

    source_template = read_template("completion.bash")
    _word = ""

    def get_completion_args(self) -> tuple[list[str], str]:
        line = os.environ.get("COMP_LINE", "")
        words = click_shells.split_arg_string(line)
        incomplete = "" if not words or line[-1:].isspace() else words.pop()
        if incomplete.startswith("--") and "=" in incomplete:
            option, _, incomplete = incomplete.partition("=")
            words.append(option)
        self._word = incomplete
        return words[1:], incomplete

    def format_completion(self, item: click_shells.CompletionItem[str]) -> str:
        """Return a completion without its part up to the last colon typed.

        Bash takes that part for earlier words.
        """
        value = str(item.value)
        if ":" in os.environ.get("COMP_WORDBREAKS", ":"):
            value = value.removeprefix(self._word[: self._word.rfind(":") + 1])
        return f"{item.type},{value}"


@click_shells.add_completion_class
class Zsh(click_shells.ZshComplete):
    """Completion for zsh like click's, but it leaves `--option=` where it is."""

    # With `-U` zsh replaces the whole word by the chosen completion.
    source_template = click_shells.ZshComplete.source_template.replace(
        " -U", ""
    ).replace("    for type key", "    compset -P '--*='\n    for type key")


SHELLS = {"bash": Bash, "zsh": Zsh, "fish": click_shells.FishComplete}


@click.command()
@click.argument("shell", type=click.Choice(SHELLS), metavar="bash|zsh|fish")
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print what makes a shell complete `sfnwatch`; nothing is asked of a network.

    \b
    bash  sfnwatch completion bash > ~/.local/share/bash-completion/completions/sfnwatch
    zsh   sfnwatch completion zsh > "${fpath[1]}/_sfnwatch"
    fish  sfnwatch completion fish > ~/.config/fish/completions/sfnwatch.fish

    It completes commands and options, profiles and Regions, recorded executions,
    themes, scenarios, files.
    """
    command = context.find_root().command
    made = SHELLS[shell](command, {}, "sfnwatch", "_SFNWATCH_COMPLETE")
    put((made.source_template % made.source_vars()).removesuffix("\n"))


@click.command()
@click.argument(
    "what", type=click.Choice(["trace", "lines"]), required=False, default="trace"
)
def schema(what: str) -> None:
    """Print the JSON schema of what programs are given.

    `trace` is what `export --to json` writes, `lines` what each line of --json is. Keys
    may be added in this version, and are never renamed.

    \b
    sfnwatch schema > trace.schema.json
    sfnwatch schema lines
    """
    from sfnwatch.export.json.schema import line_schema, trace_schema

    told = trace_schema() if what == "trace" else line_schema()
    put(json.dumps(told, indent=2, ensure_ascii=False))


# -- the manual ------------------------------------------------------------------------


@click.command()
@click.pass_context
def man(context: click.Context) -> None:
    """Print the manual page, made of what --help says.

    \b
    sfnwatch man | man -l -
    sfnwatch man > ~/.local/share/man/man1/sfnwatch.1
    """
    put("\n".join(_page(context.find_root())))


def _page(root: click.Context) -> Iterator[str]:
    """Yield the lines of the page, in roff and in ASCII only."""
    summary = (root.command.help or "").strip().partition("\n")[0]
    yield f'.TH SFNWATCH 1 "" "sfnwatch {__version__}" "User Commands"'
    yield from (".SH NAME", rf"sfnwatch \- {_roff(summary)}", ".SH SYNOPSIS")
    yield from (f".B {_roff(root.command_path)}", *_help(root))
    yield ".SH COMMANDS"
    for context in commands(root):
        yield f".SS {_roff(context.command_path)}"
        yield from _help(context)
    yield from map(_roff, read_template("manual.roff").splitlines())


def _help(context: click.Context) -> Iterator[str]:
    """Yield the lines of a command's --help, unchanged."""
    # `\&` keeps roff from reading a line as a request.
    lines = (f"\\&{_roff(line)}" for line in context.get_help().splitlines())
    yield from (".PP", ".nf", *lines, ".fi")


def _roff(text: str) -> str:
    """Escape the characters that roff would interpret, and all that is not ASCII."""
    told = text.replace("\\", "\\e").replace("-", "\\-")
    return "".join(c if " " <= c <= "~" else f"\\[u{ord(c):04X}]" for c in told)
