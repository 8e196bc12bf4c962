"""When a schedule is due. Cron expressions follow Debian's cron, daylight saving time included."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from nbmlops.errors import SettingsError
from nbmlops.records import Schedule

__all__ = ["check_schedule", "due_instant", "next_instant"]


def check_schedule(cron: str, timezone: str) -> None:
    """Make sure that a schedule can be followed.

    :raises SettingsError: if the cron expression or the IANA time zone is not one.
    """
    _zone(timezone)
    try:
        CronSim(cron, datetime(2000, 1, 1, tzinfo=UTC))
    except CronSimError as error:
        raise SettingsError(
            f"{cron!r} is not a cron expression ({error}). It has five fields: minute, hour, day "
            "of month, month, day of week; '0 6 1 * *' is 06:00 on the first of every month."
        ) from error


def next_instant(schedule: Schedule, after: datetime) -> datetime | None:
    """The schedule's first instant behind `after`, in UTC; None if there is none for decades."""
    local = after.astimezone(_zone(schedule.timezone))
    instant: datetime | None = next(CronSim(schedule.cron, local), None)
    return instant.astimezone(UTC) if instant else None


def due_instant(schedule: Schedule, last: datetime | None, at: datetime) -> datetime | None:
    """The instant for which the schedule should have run by `at` and has not, in UTC.

    `last` is the newest instant that was served. Of several missed ones only the newest counts: a
    scheduler that was down for a week owes one run, not seven.
    """
    due = None
    instant = next_instant(schedule, last or schedule.at)
    while instant is not None and instant <= at:
        due = instant
        instant = next_instant(schedule, instant)
    return due


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise SettingsError(
            f"{name!r} is not a time zone. Use an IANA name such as 'Europe/Berlin' or 'UTC'."
        ) from error
