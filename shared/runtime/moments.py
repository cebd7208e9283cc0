"""Moments as VideoSDK writes them, in REST and in webhooks. Pure."""

from __future__ import annotations

from datetime import UTC, datetime


def moment(at: datetime) -> str:
    """Return the moment in ISO 8601, UTC, with milliseconds and `Z`."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
