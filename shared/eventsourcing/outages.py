"""What Postgres and its driver say when the database is away, in one word."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from shared.eventsourcing.errors import LogUnavailableError

#: Classes of SQLSTATE that say that the server is away, full or going down: Postgres manual, appendix A.
#: Connection exception, insufficient resources, operator intervention, system error.
_OUTAGES = {"08", "53", "57", "58"}
#: What a server says that was the primary until a moment ago: the next connection finds the new one.
_READ_ONLY = "25006"


@contextmanager
def outages_told() -> Iterator[None]:
    """Raise LogUnavailableError for an outage; other errors pass."""
    try:
        yield
    except asyncpg.PostgresError as error:
        state = error.sqlstate or ""
        if state[:2] not in _OUTAGES and state != _READ_ONLY:
            raise
        raise LogUnavailableError(str(error)) from error
    # The last one is what the driver says when the server ended the connection just as it was to be used.
    except (OSError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
        raise LogUnavailableError(str(error) or type(error).__name__) from error
