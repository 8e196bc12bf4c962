"""When a schedule is due."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbmlops.errors import SettingsError
from nbmlops.records import Schedule
from nbmlops.scheduling import check_schedule, due_by, due_instant, next_instant


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type, misc] # year, month, day, ...


def make(cron: str, timezone: str = "UTC") -> Schedule:
    return Schedule(
        id="schedule-1",
        promotion_id="promotion-1",
        model_name="m",
        cron=cron,
        timezone=timezone,
        author="ada",
        at=utc(2026, 3, 1),
    )


def test_the_time_zone_decides_also_across_daylight_saving_time() -> None:
    """06:00 in New York is 11:00 UTC in winter and 10:00 UTC in summer."""
    schedule = make("0 6 * * *", "America/New_York")
    assert next_instant(schedule, utc(2026, 3, 7)) == utc(2026, 3, 7, 11)
    assert next_instant(schedule, utc(2026, 3, 8)) == utc(2026, 3, 8, 10)


def test_an_instant_that_the_clock_skips_runs_once() -> None:
    """02:30 does not exist on the night when the clocks go forward; the run is not lost."""
    schedule = make("30 2 * * *", "America/New_York")
    assert next_instant(schedule, utc(2026, 3, 8, 6)) == utc(2026, 3, 8, 7)


def test_nothing_is_due_before_the_first_instant() -> None:
    """A schedule owes nothing for the time before it was made."""
    assert due_instant(make("0 0 1 * *"), None, utc(2026, 3, 31)) is None
    assert due_instant(make("0 0 1 * *"), None, utc(2026, 4, 1)) == utc(2026, 4, 1)


def test_of_several_missed_instants_only_the_newest_is_owed() -> None:
    """Down for a week, one run, not seven."""
    schedule = make("0 0 * * *")
    assert due_instant(schedule, utc(2026, 3, 2), utc(2026, 3, 9, 12)) == utc(2026, 3, 9)
    assert due_instant(schedule, utc(2026, 3, 9), utc(2026, 3, 9, 12)) is None


@pytest.mark.parametrize(
    ("cron", "timezone", "says"),
    [
        ("every day", "UTC", "not a cron expression"),
        ("61 0 * * *", "UTC", "five fields"),
        ("0 6 1 * *", "Mars/Olympus", "not a time zone"),
        ("0 6 1 * *", "../../etc/passwd", "not a time zone"),
    ],
)
def test_what_cannot_be_followed_is_one_sentence(cron: str, timezone: str, says: str) -> None:
    """And says what it should look like."""
    with pytest.raises(SettingsError, match=says):
        check_schedule(cron, timezone)


def test_what_can_be_followed_passes() -> None:
    """The control."""
    check_schedule("*/5 8-18 * * MON-FRI", "Europe/Berlin")


def one_by_one(cron: str, timezone: str, last: datetime, at: datetime) -> datetime | None:
    """The newest instant, found by following all of them from `last` on."""
    schedule, due = make(cron, timezone), None
    instant = next_instant(schedule, last)
    while instant is not None and instant <= at:
        due, instant = instant, next_instant(schedule, instant)
    return due


@settings(max_examples=150, deadline=None)
@given(
    cron=st.sampled_from(["30 2 * * *", "30 1 * * *", "0 */5 * * *", "0 6 1 * *", "7 3 * * 7"]),
    timezone=st.sampled_from(["UTC", "America/New_York", "Australia/Lord_Howe"]),
    minutes=st.integers(0, 60 * 24 * 400),
    before=st.integers(0, 60 * 24 * 60),
)
def test_looking_back_finds_what_following_all_of_them_does(
    cron: str, timezone: str, minutes: int, before: int
) -> None:
    """Across the nights in which the clocks are changed, too."""
    at = utc(2025, 12, 1) + timedelta(minutes=minutes)
    last = at - timedelta(minutes=before)
    assert due_by(cron, timezone, last, at) == one_by_one(cron, timezone, last, at)


def test_it_costs_the_same_whenever_the_last_instant_was() -> None:
    """A schedule of each minute that claims to be of the year 1 holds up nobody."""
    began = time.monotonic()
    for _ in range(100):
        due = due_by(
            "* * * * *", "America/New_York", datetime.min.replace(tzinfo=UTC), utc(2026, 3, 1)
        )
        assert due == utc(2026, 3, 1)
    assert due_by("0 0 29 2 *", "UTC", utc(1890, 1, 1), utc(2028, 2, 28)) == utc(2024, 2, 29)
    assert time.monotonic() - began < 5
