"""Bounded search by default; ``NBMLOPS_TEST_BUDGET=long`` looks over ten times as far."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

_slow = [HealthCheck.too_slow, HealthCheck.data_too_large]
settings.register_profile("short", max_examples=60, deadline=None, suppress_health_check=_slow)
settings.register_profile("long", max_examples=1000, deadline=None, suppress_health_check=_slow)
settings.load_profile("long" if os.environ.get("NBMLOPS_TEST_BUDGET") == "long" else "short")
