"""How things are shown: names masked or not, times here or in UTC."""

from datetime import UTC, tzinfo
from typing import TYPE_CHECKING

from msgspec import Struct

from sfnwatch.trace.timeline import Trace
from sfnwatch.trace.values import replace
from sfnwatch.tui.zones import local_zone

if TYPE_CHECKING:
    from sfnwatch.trace.aliases import Aliases


class Looks(Struct, frozen=True):
    """What a presenter, or a reader in another zone, has chosen."""

    masked: bool = False
    local: bool = False
    learnt: "Aliases | None" = None
    """None until names were to be masked."""

    @property
    def zone(self) -> tzinfo:
        return local_zone() if self.local else UTC

    def mask(self, text: str) -> str:
        """Put aliases in the place of names, if that is wanted."""
        return self.aliases.mask(text) if self.masked else text

    def learned(self, trace: Trace) -> "Looks":
        """Know the names of a trace, before any is shown, if they are masked."""
        if not self.masked:
            return self
        return replace(self, learnt=self.aliases.learned(trace))

    @property
    def aliases(self) -> "Aliases":
        """What names are masked by."""
        from sfnwatch.trace.aliases import Aliases

        return self.learnt or Aliases()
