"""WHEN and WHERE does it run? Calendar, scheduler, executors."""

from nbmlops.scheduling.calendar import check_schedule, due_by, due_instant, next_instant
from nbmlops.scheduling.executors import Executor, Progress
from nbmlops.scheduling.notifications import Notifier
from nbmlops.scheduling.outbox import Outbox, Standing
from nbmlops.scheduling.scheduler import Scheduler

__all__ = [
    "Executor",
    "Notifier",
    "Outbox",
    "Progress",
    "Scheduler",
    "Standing",
    "check_schedule",
    "due_by",
    "due_instant",
    "next_instant",
]
