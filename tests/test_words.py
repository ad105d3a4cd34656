"""The words that users read: those of the field, as native engineers use them."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import click

from tests.cli.programs import COMMANDS
from tests.test_walls import FILES, tree_of

LEFT = re.compile(
    "|".join(
        (
            *("lies in between", r"\bknew\b", "all the same", r"un-?noticed"),
            *("polling does not decide", "not complete to", "what told", "noticing"),
            *("goes on with the", "state is over", "waits for its end", "draining"),
            *("believed complete", "as it (was|happened)", "role only", "tied by"),
            *("histories of them", "counted and not read", "may be theirs"),
            *("each second once", "backing off .* more", "that took", "decided by"),
            *("times of several visits", "added up", "they part", "lined up", "a seam"),
            *("as a whole", "after it happened", "own calls, for", "all inside"),
            *("as life", "capitals count", "begin again at", "starts are put"),
            *("moment before at", "on its way", "is waited for", "no more late"),
            *("its lines", r"space goes on", "one of .*shows the next", "exclude each"),
            *("one execution only", "recording loops", "takes no time", "not whole"),
            *(
                "how many at once",
                "what is inside",
                "time,? (is )?cut short",
                "for so long",
            ),
            *("surely made", "one before was", "mark before", "tells most", "let in"),
            *("started at once", "fit the selected", "two others", "ran meanwhile"),
            *("having been", "however many requests", "where one lies", "of which to"),
            *("is there, and", "what was watched", "made-up", "no call tells"),
            *("anywhere new", "what travels", "in the light", "gone on with"),
            *("they can't show", "in sentences", "so called", "asks again", r"\bkin\b"),
            *("colour", "behaviour", "optimise", "anonymise", "recognise", "grey"),
        )
    ),
    re.IGNORECASE,
)
"""What native engineers stumbled on, and British spellings."""
READS_OLD_FILES = {"redaction.py"}
"""It knows the words that earlier versions wrote into their recordings."""
_KEY_OR_KIND = re.compile(r"[a-z]+([_-][a-z]+)*_?")
"""A word of the machine-readable trace: those stay as they are."""


def strings_of(tree: ast.Module) -> Iterator[str]:
    """Yield the texts in a module, but not its documentation."""
    expressions = (n.value for n in ast.walk(tree) if isinstance(n, ast.Expr))
    documentation = {id(value) for value in expressions}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or id(node) in documentation:
            continue
        if isinstance(node.value, str) and not _KEY_OR_KIND.fullmatch(node.value):
            yield node.value


def test_no_text_of_the_program_has_words_that_nobody_uses() -> None:
    read = [path for path in FILES if path.name not in READS_OLD_FILES]
    texts = [(path.name, text) for path in read for text in strings_of(tree_of(path))]
    assert len(texts) > 1000
    assert [each for each in texts if LEFT.search(each[1])] == []


def test_no_document_has_words_that_nobody_uses() -> None:
    for name in ("README.md", "GLOSSARY.md", "docs/adding.md"):
        text = (Path(__file__).parents[1] / name).read_text("utf-8")
        assert [line for line in text.splitlines() if LEFT.search(line)] == []


def test_no_help_has_words_that_nobody_uses() -> None:
    for path, command in COMMANDS.items():
        with click.Context(command, info_name=" ".join(path)) as context:
            assert LEFT.findall(" ".join(command.get_help(context).split())) == []
