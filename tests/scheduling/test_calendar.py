"""When a schedule is due."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from nbmlops.errors import SettingsError
from nbmlops.records import Schedule
from nbmlops.scheduling import check_schedule, due_instant, next_instant


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
