"""Values and records of all kinds, for the laws of what is recorded."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from sfnwatch.model.records import Received, RecordKind, receive
from tests.builders import ARN, START, call, describe, event, health

_YEARS = timedelta(days=50 * 365)


def _as_json_has_it(text: str) -> str:
    """Join the halves of surrogate pairs, which JSON can't tell from the character."""
    same: str = json.loads(json.dumps(text))
    return same


texts = st.text(st.characters(codec=None)).map(_as_json_has_it)
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=10**60, max_value=10**80)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
)
values: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4)
    ),
    max_leaves=12,
)
objects = st.dictionaries(texts, values, max_size=5)
moments = st.none() | st.datetimes(
    (START - _YEARS).replace(tzinfo=None),
    (START + _YEARS).replace(tzinfo=None),
    timezones=st.just(UTC),
)


def _with_more(record: Received, at: datetime | None, more: dict[str, Any]) -> Received:
    data = {**more, **record.record}
    return receive(at, record.kind, record.execution_arn, data)


known = st.builds(
    _with_more,
    st.sampled_from(
        [
            event(1, "ExecutionStarted", 0, input="{}"),
            event(5, "TaskSucceeded", 3, output="\x00\x1b[31m"),
            call("RunTask", 1, key="run"),
            describe(),
            health("lookup", "live", 4, lag=12.5),
        ]
    ),
    moments,
    objects,
)
unknown = st.builds(
    receive,
    moments,
    texts.filter(lambda text: text not in list(RecordKind)),
    st.none() | st.just(ARN) | texts,
    objects,
)
records = known | unknown
