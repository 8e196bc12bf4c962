"""When a schedule is due. Cron expressions follow Debian's cron, daylight saving time included."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from nbmlops.errors import SettingsError
from nbmlops.records import Schedule

__all__ = ["check_schedule", "due_by", "due_instant", "next_instant"]

_FURTHEST = timedelta(days=50 * 366)
"""How far back is looked for an instant: no cron expression has two that lie further apart."""


def check_schedule(cron: str, timezone: str) -> None:
    """Make sure that a schedule can be followed.

    :raises SettingsError: if the cron expression or the IANA time zone is not one.
    """
    _next(cron, timezone, datetime(2000, 1, 1, tzinfo=UTC))


def next_instant(schedule: Schedule, after: datetime) -> datetime | None:
    """The schedule's first instant behind `after`, in UTC; None if there is none for decades."""
    return _next(schedule.cron, schedule.timezone, after)


def due_instant(schedule: Schedule, last: datetime | None, at: datetime) -> datetime | None:
    """The instant for which the schedule should have run by `at` and has not, in UTC.

    `last` is the newest instant that was served. Of several missed ones only the newest counts: a
    scheduler that was down for a week owes one run, not seven.
    """
    return due_by(schedule.cron, schedule.timezone, last or schedule.at, at)


def due_by(cron: str, timezone: str, last: datetime, at: datetime) -> datetime | None:
    """The newest instant of a cron expression behind `last` and not behind `at`, in UTC.

    It is looked for from `at` on, twice as far back each time, so that it costs the same whenever
    `last` was.

    :raises SettingsError: if the cron expression or the IANA time zone is not one.
    """
    due, back = None, timedelta(hours=1)
    while due is None:
        start = max(last, at - back)
        instant = _next(cron, timezone, start)
        while instant is not None and instant <= at:
            due = instant
            instant = _next(cron, timezone, instant)
        if start == last or back == _FURTHEST:
            break
        back = min(2 * back, _FURTHEST)
    return due


def _next(cron: str, timezone: str, after: datetime) -> datetime | None:
    local = after.astimezone(_zone(timezone))
    try:
        instant: datetime | None = next(CronSim(cron, local), None)
    except CronSimError as error:
        raise SettingsError(
            f"{cron!r} is not a cron expression ({error}). It has five fields: minute, hour, day "
            "of month, month, day of week; '0 6 1 * *' is 06:00 on the first of every month."
        ) from error
    return instant.astimezone(UTC) if instant else None


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise SettingsError(
            f"{name!r} is not a time zone. Use an IANA name such as 'Europe/Berlin' or 'UTC'."
        ) from error
