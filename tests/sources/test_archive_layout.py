"""Which files of a trail are wanted: by name, by folder, by key."""

from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sfnwatch.sources.archive_layout import (
    EARLY,
    LATE,
    Chain,
    Window,
    chains,
    choose,
    is_passed_over,
    may_be_trail,
    parse_name,
    roots_of,
    said_by,
)
from tests.builders import ACCOUNT, REGION
from tests.sources.archive_files import key_of

OTHER = "210987654321"
EDGES = [
    datetime(2024, 1, 1, tzinfo=UTC),
    datetime(2024, 2, 29, tzinfo=UTC),
    datetime(2024, 3, 1, tzinfo=UTC),
    datetime(2023, 12, 1, tzinfo=UTC),
    datetime(2023, 11, 15, tzinfo=UTC),
]
times = st.builds(
    lambda edge, minutes: edge + timedelta(minutes=minutes),
    st.sampled_from(EDGES),
    st.integers(-3000, 3000),
)
lengths = st.one_of(st.none(), st.integers(0, 4000))


def window(
    first: datetime,
    minutes: int | None,
    *,
    accounts: tuple[str, ...] = (ACCOUNT,),
    regions: tuple[str, ...] = (REGION,),
) -> Window:
    last = None if minutes is None else first + timedelta(minutes=minutes)
    return Window(frozenset(accounts), frozenset(regions), first, last)


def is_reached(key: str, wanted: Window) -> bool:
    """Walk down a key's folders as a reader of folders would."""
    parts = PurePosixPath(key).parts
    return not any(
        is_passed_over(parts[:depth], parts[depth], wanted)
        for depth in range(len(parts) - 1)
    )


# -- names -----------------------------------------------------------------------------


def test_a_name_tells_whose_it_is_from_where_and_when_it_came() -> None:
    told = parse_name(
        "123456789012_CloudTrail_us-gov-west-1_20150801T0210Z_Mu0KsOhtH1ar15ZZ.json.gz"
    )
    assert told
    assert (told.account, told.region) == ("123456789012", "us-gov-west-1")
    assert told.stamp == datetime(2015, 8, 1, 2, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "x.json.gz",
        "123456789012_CloudTrail_eu-west-1_20231399T9999Z_x.json.gz",
        "123456789012_CloudTrail_eu-west-1_20231115T0028Z_x.json.gz.part",
        "123456789012_CloudTrail_EU_20231115T0028Z_x.json.gz",
        "12345678901²_CloudTrail_eu-west-1_20231115T0028Z_x.json.gz",
        "123456789012_CloudTrail-Digest_eu-west-1_t_eu-west-1_20231115T002800Z.json.gz",
    ],
)
def test_no_other_name_tells_anything(name: str) -> None:
    assert parse_name(name) is None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("calls.json", True),
        ("calls.json.gz", True),
        ("calls.jsonl", False),
        ("calls.json.gz.tmp", False),
        ("1_CloudTrail-Digest_eu-west-1_t.json.gz", False),
        ("1_CloudTrail-Insight_eu-west-1_t.json.gz", False),
    ],
)
def test_digests_and_what_is_no_json_are_never_read(
    name: str, *, expected: bool
) -> None:
    assert may_be_trail(name) is expected
    assert (choose(name, name, window(EDGES[0], 5)) is not None) is expected


# -- windows ---------------------------------------------------------------------------


@given(
    first=times, minutes=lengths, after=st.integers(0, 5000), lag=st.integers(0, 119)
)
@example(first=EDGES[0], minutes=0, after=0, lag=0)
def test_whatever_may_hold_an_event_of_the_window_is_reached_and_chosen(
    first: datetime, minutes: int | None, after: int, lag: int
) -> None:
    wanted = window(first, minutes)
    event = first + timedelta(minutes=after)
    if not wanted.holds(event):
        event = wanted.last or event
    for stamp in (event + timedelta(minutes=lag), event - timedelta(minutes=lag % 5)):
        key = key_of(stamp)
        name = key.rpartition("/")[2]
        # A name has whole minutes: it says at most one too early.
        assert choose(key, name, wanted) or lag % 5 == 4
        assert is_reached(key, wanted)


@given(first=times, minutes=st.integers(0, 4000), other=times)
def test_no_file_is_chosen_whose_stamp_is_far_off(
    first: datetime, minutes: int, other: datetime
) -> None:
    wanted = window(first, minutes)
    key = key_of(other)
    last = first + timedelta(minutes=minutes)
    expected = first - EARLY <= other <= last + LATE
    assert (choose(key, key.rpartition("/")[2], wanted) is not None) is expected


@given(first=times, minutes=st.integers(0, 4000), other=times)
def test_no_day_is_opened_but_those_of_the_window(
    first: datetime, minutes: int, other: datetime
) -> None:
    wanted = window(first, minutes)
    last = first + timedelta(minutes=minutes)
    days = (first - EARLY).date(), (last + LATE).date()
    assert is_reached(key_of(other), wanted) is (days[0] <= other.date() <= days[1])


def test_there_is_no_end_while_an_execution_runs() -> None:
    wanted = window(EDGES[0], None)
    assert wanted.has_stamp(EDGES[0] + timedelta(days=400))
    assert wanted.has_days(2031, None, None)
    assert not wanted.has_days(2022, None, None)


@pytest.mark.parametrize("day", ["2024/02/30", "2024/13/01", "2024/00/10"])
def test_a_day_of_no_calendar_holds_nothing(day: str) -> None:
    assert not is_reached(f"trail/{day}/x.json", window(EDGES[0], 100_000))


# -- folders ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (key_of(EDGES[0]), True),
        (key_of(EDGES[0], head="some/prefix/AWSLogs/o-abc1234567/"), True),
        (key_of(EDGES[0], head=""), True),
        ("2024/01/01/x.json", True),
        ("2023/12/31/x.json", True),
        ("2023/12/30/x.json", False),
        ("a/heap/of/x.json", True),
        ("2024/notes/x.json", True),
        ("12/31/x.json", True),
        ("CloudTrail/of-last-week/x.json", True),
        (key_of(EDGES[0], account=OTHER), False),
        (key_of(EDGES[0], region="eu-west-1"), False),
        (f"AWSLogs/{ACCOUNT}/Config/{REGION}/2024/1/1/x.json.gz", False),
        (f"AWSLogs/o-abc1234567/{ACCOUNT}/vpcflowlogs/x.json.gz", False),
        (f"AWSLogs/{ACCOUNT}/CloudTrail-Digest/{REGION}/2024/01/01/x.json.gz", False),
        (f"AWSLogs/{ACCOUNT}/CloudTrail-Insight/{REGION}/2024/01/01/x.json.gz", False),
    ],
)
def test_only_folders_that_may_hold_something_are_opened(
    key: str, *, expected: bool
) -> None:
    assert is_reached(key, window(EDGES[0], 10)) is expected


@given(st.lists(st.text(max_size=8), max_size=5), st.text(max_size=12))
def test_any_name_can_be_judged(above: list[str], name: str) -> None:
    wanted = window(EDGES[0], 10)
    is_passed_over(above, name, wanted)
    choose(name, name, wanted)
    said_by(above)
    roots_of("/".join(above))


def test_a_place_may_say_whose_and_from_where() -> None:
    said = said_by(["copy", "AWSLogs", OTHER, "CloudTrail", "eu-west-1", "2024"])
    assert (said.account, said.region) == (OTHER, "eu-west-1")
    said = said_by(["eu-west-1", "CloudTrail", "of-us"])
    assert (said.account, said.region) == (None, None)


# -- keys ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prefix", "head", "below", "is_whole"),
    [
        ("", "AWSLogs/", (), False),
        ("p/q", "p/q/AWSLogs/", (), False),
        ("/p//q/", "p/q/AWSLogs/", (), False),
        ("p/AWSLogs", "p/AWSLogs/", (), False),
        ("p/AWSLogs/o-abc", "p/AWSLogs/o-abc/", (), True),
        (f"p/AWSLogs/{OTHER}", "p/AWSLogs/", (OTHER,), True),
        (
            f"AWSLogs/o-a/{OTHER}/CloudTrail/",
            "AWSLogs/o-a/",
            (OTHER, "CloudTrail"),
            True,
        ),
        ("AWSLogs/AWSLogs", "AWSLogs/AWSLogs/", (), False),
    ],
)
def test_a_prefix_may_end_anywhere(
    prefix: str, head: str, below: tuple[str, ...], *, is_whole: bool
) -> None:
    roots = roots_of(prefix)
    assert (roots.head, roots.below, roots.is_whole) == (head, below, is_whole)


def test_each_account_and_region_is_listed_by_itself() -> None:
    wanted = window(
        EDGES[0], 5, accounts=(ACCOUNT, OTHER), regions=(REGION, "us-east-1")
    )
    found = [chain.prefix for chain in chains(["AWSLogs/"], (), wanted)]
    assert found == [
        f"AWSLogs/{account}/CloudTrail/{region}/"
        for account in (ACCOUNT, OTHER)
        for region in (REGION, "us-east-1")
    ]


def test_what_the_place_names_is_listed_and_no_more() -> None:
    wanted = window(EDGES[0], 5, accounts=(OTHER,), regions=("eu-west-1", "us-east-1"))
    below = (OTHER, "CloudTrail", "eu-west-1", "2024", "01")
    (chain,) = chains(["p/CloudTrail/AWSLogs/"], below, wanted)
    assert chain == Chain(
        folder=f"p/CloudTrail/AWSLogs/{OTHER}/CloudTrail/eu-west-1/",
        prefix=f"p/CloudTrail/AWSLogs/{OTHER}/CloudTrail/eu-west-1/2024/01/",
        account=OTHER,
        region="eu-west-1",
    )


@given(stamp=times, other=times, number=st.integers(0, 9))
def test_a_key_to_begin_at_has_all_earlier_stamps_before_it_and_the_rest_behind(
    stamp: datetime, other: datetime, number: int
) -> None:
    (chain,) = chains(["AWSLogs/"], (), window(stamp, 5))
    assert (key_of(other, number) > chain.key(stamp)) is (other >= stamp)
