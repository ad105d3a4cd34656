"""All attempts, found by the ids in their events and by the calls they may make."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from types import MappingProxyType

from sfnwatch.model.api_call import NameAndRole
from sfnwatch.model.linking.caller import Caller
from sfnwatch.model.linking.link import AttemptKey

CallersByKey = Mapping[AttemptKey, Caller]
_NONE: CallersByKey = MappingProxyType({})


class Callers(dict[AttemptKey, Caller]):
    """All attempts, by their keys."""

    def __init__(self) -> None:
        super().__init__()
        self._by_id = defaultdict[str, dict[AttemptKey, Caller]](dict)
        """By the ids that their own events have."""
        self._by_name_and_role = defaultdict[NameAndRole, dict[AttemptKey, Caller]](
            dict
        )
        """By the names and roles of the calls they may make."""
        self.actions = Counter[NameAndRole | None]()
        """How many attempts have such a call as their action."""

    def replace(self, old: Caller | None, new: Caller | None) -> None:
        """Forget an attempt as it was, and add it as it is now."""
        if old is not None:
            del self[old.key]
            for named in old.ids_in_events:
                del self._by_id[named][old.key]
                if not self._by_id[named]:
                    del self._by_id[named]
            for name_and_role in old.names_and_role:
                del self._by_name_and_role[name_and_role][old.key]
            self.actions[old.action] -= 1
        if new is not None:
            self[new.key] = new
            for named in new.ids_in_events:
                self._by_id[named][new.key] = new
            for name_and_role in new.names_and_role:
                self._by_name_and_role[name_and_role][new.key] = new
            self.actions[new.action] += 1

    def with_id(self, named: str) -> CallersByKey:
        """Return the attempts whose own events have an id."""
        return self._by_id.get(named, _NONE)

    def known_ids(self, ids: Collection[str]) -> set[str]:
        """Return those of some ids that the events of any attempt have."""
        return {named for named in ids if named in self._by_id}

    def making(self, name_and_role: NameAndRole) -> CallersByKey:
        """Return the attempts that may make calls of a name with a role."""
        return self._by_name_and_role.get(name_and_role, _NONE)
