"""Join the pages of a history that stand in files of their own."""

from collections.abc import Iterable, Iterator, Sequence

from sfnwatch.recording.format import name_of
from sfnwatch.recording.imported_file import ImportedFile


def join_pages(imported: Iterable[ImportedFile]) -> list[ImportedFile]:
    """Join the pages of each history, whatever order the files are given in.

    A page is joined to an earlier one only if it continues exactly one: its ids follow
    or overlap, its times are later, and no event that both have differs.
    """
    files = [file for file in imported if file.events]
    # Of two pages with the same beginning, the longer one is first.
    files.sort(key=lambda page: (min(page.events), -len(page.events)))
    joined: list[ImportedFile] = []
    for page in files:
        fitting = [earlier for earlier in joined if earlier.goes_on_in(page)]
        if len(fitting) == 1:
            fitting[0].events.update(page.events)
        else:
            joined.append(page)
    return joined


def notes_on_missing_pages(imported: Sequence[ImportedFile]) -> Iterator[str]:
    """Report pages whose next page is missing: a single answer of AWS has a next token.

    Calls in several files are not reported: one of them may hold the next page.
    """
    event_ids: set[int] = set()
    for file in imported:
        event_ids.update(file.events)
    files_with_calls = sum(bool(file.others) for file in imported)
    for file in imported:
        if not file.has_next:
            continue
        if file.events and max(file.events) + 1 in event_ids:
            continue
        if file.others and files_with_calls > 1:
            continue
        yield f"{name_of(file.path)}: one page of several, and the next is not here"
