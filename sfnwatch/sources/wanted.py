"""What of calls is wanted, once all is decided. It imports no SDK: options make it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TrailOptions:
    """In which ways calls come."""

    lookup: bool = True
    """False where LookupEvents of the execution's account is not to be asked."""
    profiles: tuple[str, ...] = ()
    """Profiles of other accounts in which calls land: LookupEvents is asked there."""
