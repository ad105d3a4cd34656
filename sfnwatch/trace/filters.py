"""Which rows to keep, and which one to go to: the filter language and the search.

`~s Work & !~k poll` in the spirit of mitmproxy's: an operator looks at one thing of
a row, a bare word at its words; `&`, `|`, `!` and parentheses join them.
"""

from sfnwatch.trace.filter_completion import Completion, complete
from sfnwatch.trace.filter_parser import parse_filter
from sfnwatch.trace.filter_rows import states_of, words_of
from sfnwatch.trace.filter_tree import Filter
from sfnwatch.trace.filter_words import FILTER_HELP, FilterError
from sfnwatch.trace.lanes import Row

__all__ = [
    "FILTER_HELP",
    "Completion",
    "Filter",
    "FilterError",
    "complete",
    "found",
    "parse_filter",
]


def found(row: Row, words: str) -> bool:
    """Search: True if the words stand in the row's; a capital minds the case.

    The state's name counts, which a row has before its own words where it must.
    """
    if not words:
        return False
    texts = (*words_of(row), *states_of(row))
    if words != words.lower():
        return any(words in text for text in texts)
    return any(words in text.lower() for text in texts)
