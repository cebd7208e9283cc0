"""Reads the consent register."""

from __future__ import annotations

from datetime import datetime

import asyncpg

from shared.eventsourcing.outages import outages_told

_GIVEN = """SELECT EXISTS (
    SELECT FROM consent_register.words
    WHERE session_id = $1 AND participant_id = $2 AND answer IN ('given', 'attested')
        AND since <= $3 AND (until IS NULL OR until > $3)
)"""


async def may_be_recorded(
    database: asyncpg.Pool | asyncpg.Connection, session_id: str, participant_id: str, at: datetime
) -> bool:
    """Tell whether the participant consented at that moment, as far as the register has come.

    Raises LogUnavailableError, and asyncpg.UndefinedTableError where the consent service has never run.
    """
    with outages_told():
        given: bool = await database.fetchval(_GIVEN, session_id, participant_id, at)
    return given
