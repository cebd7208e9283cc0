"""The log in memory and the log on Postgres keep one contract."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, given, settings

from shared.eventsourcing.in_memory import InMemoryEventStore
from shared.eventsourcing.postgres import PostgresEventStore
from tests.contract.event_store import EventStoreContract
from tests.contract.log_model import STEPS, Step, assert_like_the_model
from tests.support.events import open_log


class TestInMemoryEventStore(EventStoreContract):
    @pytest.fixture
    def store(self) -> InMemoryEventStore:
        return InMemoryEventStore()


class TestPostgresEventStore(EventStoreContract):
    @pytest.fixture
    def store(self, log_on_postgres: PostgresEventStore) -> PostgresEventStore:
        return log_on_postgres


@settings(max_examples=200, deadline=None)
@given(steps=STEPS)
async def test_whatever_is_done_the_log_in_memory_is_what_a_model_says(steps: list[Step]) -> None:
    await assert_like_the_model(InMemoryEventStore(), steps)


# One database for all examples: the model knows what was there before.
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
async def test_whatever_is_done_the_log_on_postgres_is_what_a_model_says(
    log_on_postgres: PostgresEventStore, steps: list[Step]
) -> None:
    await assert_like_the_model(log_on_postgres, steps)


@pytest.fixture
async def log_on_postgres(database_url: str) -> AsyncIterator[PostgresEventStore]:
    async with open_log(database_url) as pool:
        yield PostgresEventStore(pool)
