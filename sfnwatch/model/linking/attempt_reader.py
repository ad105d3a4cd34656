"""Reads what attempts asked for and were answered, to compare it with calls."""

from sfnwatch.model.api_call import ApiCall, CallName
from sfnwatch.model.linking.call_reader import CallReader
from sfnwatch.model.linking.caller import Caller
from sfnwatch.model.linking.evidence import Pair
from sfnwatch.model.linking.leaves import (
    Leaves,
    ids_of_answer,
    leaves_of_attempt,
    scheduled_parameters,
)
from sfnwatch.model.linking.link import AttemptKey
from sfnwatch.model.records import Record
from sfnwatch.model.values import mapping_of, parse_json


class AttemptReader:
    """Reads attempts' parameters and answers, and keeps them until `forget`."""

    def __init__(self, reader: CallReader) -> None:
        self._reader = reader
        self._parameters: dict[tuple[AttemptKey, CallName], Leaves] = {}
        self._answers: dict[tuple[AttemptKey, CallName], Leaves] = {}

    def parameters(self, key: AttemptKey, name: CallName) -> Leaves:
        """Return an attempt's parameters, as a call of that name has them."""
        if (key, name) not in self._parameters:
            arn, scheduled_id = key
            details = self._reader.event_details(arn, scheduled_id)
            parameters = scheduled_parameters(details)
            self._parameters[key, name] = leaves_of_attempt(*name, parameters)
        return self._parameters[key, name]

    def pair(self, call: ApiCall, record: Record, caller: Caller) -> Pair:
        """Return a call and an attempt as a pair to be compared."""
        role = caller.role_of(call.name)
        return Pair(call, record, caller, role, lambda: self._answer(caller, call.name))

    def _answer(self, caller: Caller, name: CallName) -> Leaves:
        """Return the ids in an attempt's answer; empty if its events have no answer."""
        key = caller.key
        if (key, name) not in self._answers:
            answered_by = caller.attempt.submitted_by or caller.attempt.ended_by
            details = self._reader.event_details(key[0], answered_by)
            output = mapping_of(parse_json(details.get("output")))
            self._answers[key, name] = ids_of_answer(*name, output)
        return self._answers[key, name]

    def forget(self) -> None:
        """Forget what was read: to keep all parameters would fill the memory."""
        self._parameters.clear()
        self._answers.clear()
