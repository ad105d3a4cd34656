"""Which of an archive's records are worth a second look."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from sfnwatch.sources.archive_layout import Window
from sfnwatch.trace.arns import role_name
from sfnwatch.trace.payload import mapping_of, text_of
from sfnwatch.trace.times import maybe_time


class Concerning(Struct, frozen=True):
    """Tells which records may concern the executions; the sieve has the last word.

    Nearly all do not, so this looks at no more than it must.
    """

    window: Window
    roles: frozenset[str]
    anybody: bool
    """True while what Step Functions called for others may yet be theirs."""

    def __call__(self, record: dict[str, Any]) -> bool:
        return self._concerns(record) and self._is_of_the_time(record)

    def _concerns(self, record: Mapping[str, Any]) -> bool:
        identity = mapping_of(record.get("userIdentity"))
        session = mapping_of(identity.get("sessionContext"))
        issuer = mapping_of(session.get("sessionIssuer"))
        arn = text_of(issuer.get("arn")) or text_of(identity.get("arn"))
        if role_name(arn) in self.roles:
            return True
        if "sfnwatch/" in (text_of(record.get("userAgent")) or ""):
            return True
        callers = (identity.get("invokedBy"), record.get("sourceIPAddress"))
        return self.anybody and any(
            isinstance(caller, str) and caller.startswith("states.")
            for caller in callers
        )

    def _is_of_the_time(self, record: Mapping[str, Any]) -> bool:
        at = maybe_time(record.get("eventTime"))
        return at is None or self.window.holds(at)
