"""The log in memory and the log on Postgres keep one contract."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from hypothesis.stateful import run_state_machine_as_test

from shared.eventsourcing.postgres import PostgresEventStore
from tests.contract.event_store import EventStoreContract
from tests.contract.log_machines import InMemoryMachine, PostgresMachine
from tests.contract.log_model import QUICK
from tests.support.events import open_log
from tests.support.in_memory import InMemoryEventStore


class TestInMemoryEventStore(EventStoreContract):
    @pytest.fixture
    def store(self) -> InMemoryEventStore:
        return InMemoryEventStore()


class TestPostgresEventStore(EventStoreContract):
    @pytest.fixture
    def store(self, log_on_postgres: PostgresEventStore) -> PostgresEventStore:
        return log_on_postgres


def test_whatever_is_done_the_log_in_memory_is_what_a_model_says() -> None:
    run_state_machine_as_test(InMemoryMachine, settings=QUICK)


def test_whatever_is_done_the_log_on_postgres_is_what_a_model_says(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PostgresMachine, "database_url", database_url, raising=False)

    run_state_machine_as_test(PostgresMachine, settings=QUICK)


@pytest.fixture
async def log_on_postgres(database_url: str) -> AsyncIterator[PostgresEventStore]:
    async with open_log(database_url) as pool:
        yield PostgresEventStore(pool)
