"""Names replaced by aliases: on a screen that strangers see, and in shared files.

Equal names have equal aliases everywhere. A screen replaces the names that were learned
from records: `machine-1`, `task-2`. States keep their names there, since the screen
explains them; services, Regions and actions keep theirs too. A file keeps only what is
surely AWS's own: see `redaction.py`.
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
from sfnwatch.view.redacted_names import TOKEN, RedactedNames
from sfnwatch.view.redaction import Fields


class Anonymizer:
    """The aliases of one session's screen, or of one file."""

    def __init__(self) -> None:
        self._mask = Mask()
        self._names = RedactedNames()
        self._fields = Fields(self._names)
        self._words_of_states: set[str] = set()
        """The words of states' names, which are not masked anywhere."""

    def learn(self, records: Iterable[Received]) -> None:
        """Learn the names in records, in order; known names keep their aliases."""
        for received in records:
            record = received.record
            if received.kind == RecordKind.LOOKUP:
                # The Username in an Event of LookupEvents is a role's session name.
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
        """Replace the learned names in a text, and what looks private.

        Call it once, on the text that is shown: a name may look like an alias.
        """
        return self._mask(text)

    @classmethod
    def for_records(
        cls, records: Sequence[Received], *, keep_state_names: bool = False
    ) -> "Anonymizer":
        """Return an anonymizer that can redact all these records.

        State names are a customer's words, and a file is given to others: they become
        `state-1`, `state-2`, …. `keep_state_names` keeps them, for users who know that
        theirs are harmless.
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

        Items of the same time are shown in the order of their names. Numbering in that
        order keeps it the same with aliases.
        """
        self._names.held.update(_ids_of_attempts(trace))
        for held_id in sorted(self._names.held):
            if not TOKEN.fullmatch(held_id):
                # Such an id has an alias that no word of a sentence can have.
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
        """Redact an execution's ARN, or the file name that is used in its place."""
        return self._names.text(arn, "execution")

    def call(self, event_id: str) -> str:
        """Redact a call's event ID."""
        return self._names.text(event_id, "call")

    def redact(self, received: Received) -> Received:
        """Redact a record; only the structure of an unreadable one is kept."""
        kind = str(received.kind)
        arn = received.execution_arn
        try:
            redacted = self._fields.record(received.record, kind)
        except RecursionError:
            # The fields are nested too deep for the rules: only structure is kept.
            redacted = self._fields.value(received.record)
        if kind not in list(RecordKind):
            kind = self._names.text(kind, "source")
        arn = arn and self.execution(arn)
        return Received(received.at, kind, arn, encode_json(redacted))


def redaction_notes(
    records: Iterable[Received], *, keep_state_names: bool = False
) -> Iterator[str]:
    """Yield the sentences that a reader of a redacted recording should know."""
    kept = "names of states, " if keep_state_names else ""
    yield f"AWS's own words, {kept}Regions and times are kept; all else is replaced."
    if unread := sum(received.kind == RecordKind.UNREAD for received in records):
        yield f"Of records that could not be read ({unread}) mere structure is kept."


def _ids_of_attempts(trace: Trace) -> Iterator[str]:
    """Yield the ids that calls are matched by, and the last segment of each id."""
    for execution in trace.as_of().executions.values():
        for _, attempt in execution.attempts:
            ids = (*attempt.resource_ids, *attempt.request_ids)
            yield from ids
            yield from map(last_segment, ids)


def _state_names(trace: Trace, records: Iterable[Received]) -> Iterator[str]:
    """Yield the names of states: those in definitions first, then those of visits."""
    for received in records:
        if received.kind == RecordKind.DEFINITION:
            for name, _ in states_of(received.record.get("definition")):
                yield name
    for execution in trace.as_of().executions.values():
        for visit in execution.visits:
            yield visit.name
