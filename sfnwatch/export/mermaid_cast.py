"""Who takes part in a Mermaid sequence diagram, and how their words are written."""

import re
from collections.abc import Iterator

from msgspec import Struct, field

from sfnwatch.trace.text import clean

_SPECIAL = {ord(c): f"#{ord(c)};" for c in '#;<>"%{}&$`\\'}
"""What ends a statement, opens a comment, a directive, a formula or a tag."""
_PARTS = re.compile(r" {2,}")
"""What stands between the parts of a row's words; Mermaid would make it one blank."""
_END = re.compile(r"\b(e)(nd)\b", re.IGNORECASE)
_WRAP = re.compile(r"^((?:no)?wrap):", re.IGNORECASE)
_MOST_STATES, _MOST_SERVICES = 12, 8
"""Columns beyond these share one: nobody reads a diagram of forty."""
_NAME, _TITLE = 40, 80


def escape(text: str, limit: int = 160) -> str:
    """Make any text plain words to Mermaid: cleaned, and nothing a part of its grammar.

    The word `end` closes a block wherever it stands, unless a letter is encoded.
    """
    plain = _PARTS.sub(" · ", clean(text, limit).strip()).translate(_SPECIAL)
    plain = _END.sub(lambda m: f"#{ord(m[1])};{m[2]}", plain)
    return _WRAP.sub(r"\1#58;", plain) or "-"


class Box(Struct):
    """Participants with one frame around them."""

    letter: str
    title: str
    most: int
    rest: str
    """What those are called that have no column of their own."""
    ids: dict[str, str] = field(default_factory=dict)

    def take(self, name: str) -> tuple[str, bool]:
        """Give a participant's id, and whether it has its column alone."""
        if name not in self.ids and len(self.ids) >= self.most:
            name = self.rest
            self.ids.setdefault(name, f"{self.letter}{len(self.ids) + 1}")
            return self.ids[name], False
        own = self.ids.setdefault(name, f"{self.letter}{len(self.ids) + 1}")
        return own, name != self.rest

    def lines(self, used: set[str]) -> Iterator[str]:
        names = {name: own for name, own in self.ids.items() if own in used}
        if not names:
            return
        # Without a colour the title's first word would be tried as one.
        yield f"box transparent {escape(self.title, _TITLE)}"
        for name, own in names.items():
            yield f"participant {own} as {escape(name, _NAME)}"
        yield "end"


class Cast:
    """A box for each execution, and one for the services they call."""

    def __init__(self) -> None:
        self._executions: dict[str, Box] = {}
        self._services = Box("a", "AWS", _MOST_SERVICES, "other services")

    def add(self, arn: str, title: str) -> None:
        letter = f"e{len(self._executions) + 1}s"
        box = Box(letter, title, _MOST_STATES + 1, "other states")
        box.take("Step Functions")
        self._executions[arn] = box

    def workflow(self, arn: str) -> str:
        return self._executions[arn].take("Step Functions")[0]

    def state(self, arn: str, name: str) -> tuple[str, bool]:
        # A state may be called as the column of the workflow itself is.
        known = {"Step Functions", "other states"}
        return self._executions[arn].take(f"{name} " if name in known else name)

    def service(self, name: str) -> tuple[str, bool]:
        return self._services.take(name)

    def lines(self, used: set[str]) -> Iterator[str]:
        for box in (*self._executions.values(), self._services):
            yield from box.lines(used)
