"""Names replaced by aliases: on a screen that strangers see, and in files that leave.

What is equal stays equal, wherever it stands. A screen hides what is learned to be a
name: `machine-1`, `task-2`. States keep their names, being what is explained, and so do
services, Regions and actions. A file keeps nothing but what is surely AWS's own: see
`redaction.py`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from sfnwatch.model.api_call import cloudtrail_record
from sfnwatch.model.arns import last_segment
from sfnwatch.model.records import Received, RecordKind
from sfnwatch.model.state_language import states_of
from sfnwatch.model.texts import clean
from sfnwatch.model.trace import Trace
from sfnwatch.model.values import encode_json
from sfnwatch.view.mask import Mask
from sfnwatch.view.private_names import PERSON_OR_THING, names_in_record
from sfnwatch.view.redacted_names import TOKEN, Names
from sfnwatch.view.redaction import Fields


class Anonymizer:
    """The aliases of one session, or of one file: for screens and for files."""

    def __init__(self) -> None:
        self._mask = Mask()
        self._names = Names()
        self._fields = Fields(self._names)
        self._words_of_states: set[str] = set()
        """What the states are called keeps its name, wherever it stands."""

    def learn(self, records: Iterable[Received]) -> None:
        """Learn the names in records, in the order they appear; known ones stay."""
        for received in records:
            record = received.record
            if received.kind == RecordKind.LOOKUP:
                # The user that an Event of LookupEvents names is a role's session.
                record = cloudtrail_record(received.kind, record)
            entered = record.get("stateEnteredEventDetails")
            if isinstance(entered, Mapping):
                self._words_of_states.update(str(entered.get("name")).split())
            for kind, name in names_in_record([received.execution_arn, record]):
                known = clean(name)
                if kind == PERSON_OR_THING and name in self._words_of_states:
                    continue
                if known not in self._mask.names:
                    self._mask.add(known, self._names.table.alias(known, kind).shown)

    def mask(self, text: str) -> str:
        """Replace each name in a text that was learned, and what looks private.

        To be applied once, to what is shown: a name may look like an alias.
        """
        return self._mask(text)

    @classmethod
    def for_records(
        cls, records: Sequence[Received], *, keep_state_names: bool = False
    ) -> "Anonymizer":
        """Make ready to redact all these records.

        States' names are a customer's words and become `state-1`, `state-2`, …: a file
        leaves the house. `keep_state_names` leaves them, for those who know theirs to
        be harmless.
        """
        anonymizer = cls()
        trace = Trace()
        trace.add(records)
        names = anonymizer._names
        for received in records:
            names.table.reserve(received.data)
        if keep_state_names:
            names.kept_states.update(_state_names(trace, records))
        anonymizer._number_in_order(trace, records)
        return anonymizer

    def _number_in_order(self, trace: Trace, records: Sequence[Received]) -> None:
        """Give executions, states, calls and jobs their aliases before all others.

        Of two at the same moment the one is shown first that sorts first: it must be
        the same one under other names.
        """
        self._names.held.update(_held_ids(trace))
        for held_id in sorted(self._names.held):
            if not TOKEN.fullmatch(held_id):
                # No word of a sentence may become what it was not: this id.
                self._names.table.alias(held_id, "~id")
        for arn in sorted(trace.executions):
            self.execution(arn)
        for name in _state_names(trace, records):
            self._names.state(name)
        for call in trace.ordered_calls:
            if call.whole:
                self._names.text(call.event_id, "call")
        for arn in (*sorted(trace.task_states), *sorted(trace.map_runs)):
            self._names.text(arn)

    def execution(self, arn: str) -> str:
        """Redact an execution's ARN, or the name of a file that stands for one."""
        return self._names.text(arn, "execution")

    def call(self, event_id: str) -> str:
        """Redact a call's event ID."""
        return self._names.text(event_id, "call")

    def redact(self, received: Received) -> Received:
        """Redact a record; of one that nobody can read mere structure is left."""
        kind = str(received.kind)
        arn = received.execution_arn
        try:
            told = self._fields.record(received.record, kind)
        except RecursionError:
            # Its fields are nested past all reason: no rule is for such.
            told = self._fields.value(received.record)
        if kind not in list(RecordKind):
            kind = self._names.text(kind, "source")
        arn = arn and self.execution(arn)
        return Received(received.at, kind, arn, encode_json(told))


def redaction_notes(
    records: Iterable[Received], *, keep_state_names: bool = False
) -> Iterator[str]:
    """Say what a reader of a redacted recording should know."""
    kept = "names of states, " if keep_state_names else ""
    yield f"AWS's own words, {kept}Regions and times are kept; all else is replaced."
    if unread := sum(received.kind == RecordKind.UNREAD for received in records):
        yield f"Of records that could not be read ({unread}) mere structure is kept."


def _held_ids(trace: Trace) -> Iterator[str]:
    """Yield the ids that calls are matched by, each also as what its path ends with."""
    for execution in trace.as_of().executions.values():
        for _, attempt in execution.attempts:
            held = (*attempt.resource_ids, *attempt.request_ids)
            yield from (*held, *map(last_segment, held))


def _state_names(trace: Trace, records: Iterable[Received]) -> Iterator[str]:
    """Yield the names of states in the order that definitions, then visits, have."""
    for received in records:
        if received.kind == RecordKind.DEFINITION:
            for name, _ in states_of(received.record.get("definition")):
                yield name
    for execution in trace.as_of().executions.values():
        for visit in execution.visits:
            yield visit.name
