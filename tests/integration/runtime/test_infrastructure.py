"""What every service stands on, opened on real servers; and one clear sentence for each that is not there."""

from __future__ import annotations

import asyncio
import traceback
from pathlib import Path

import pytest

from shared.eventsourcing.postgres import PostgresEventStore
from shared.messaging.in_process import InProcessBus
from shared.messaging.rabbitmq import RabbitMqBus
from shared.runtime.database import open_database
from shared.runtime.errors import SettingError, StartupError
from shared.runtime.infrastructure import open_infrastructure
from shared.runtime.settings import Settings
from shared.runtime.standalone import shared_infrastructure
from tests.support.broker import Heard, events_queue, messages
from tests.support.events import LOG_MIGRATIONS, RELAY_MIGRATIONS, append, new_events
from tests.support.eventually import eventually

_WRONG_DATABASES = {
    "nobody listens": ("postgresql://postgres@127.0.0.1:1/postgres", "names a database that does not answer"),
    "no such database": ("{server}/no_such_database", "does not exist"),
    "no such host": ("postgresql://nowhere.invalid/onrecord", "names a database that does not answer"),
    "no address": ("nonsense", "cannot be read: write postgresql://"),
    "another protocol": ("http://127.0.0.1:1/", "cannot be read: write postgresql://"),
    "no port": ("postgresql://127.0.0.1:port/onrecord", "cannot be read: write postgresql://"),
}
_WRONG_BROKERS = {
    "nobody listens": ("amqp://127.0.0.1:1/", "names a broker that does not answer"),
    "no such host": ("amqp://nowhere.invalid/", "names a broker that does not answer"),
    "no address": ("nonsense", "not an address like amqp://"),
    "another protocol": ("http://127.0.0.1:1/", "not an address like amqp://"),
    "no port": ("amqp://127.0.0.1:port/", "names a broker that does not answer"),
}


async def test_log_and_bus_are_those_that_the_settings_name(database_url: str, amqp_url: str, tmp_path: Path) -> None:
    settings = Settings(database_url=database_url, amqp_url=amqp_url, data_dir=tmp_path)
    heard = Heard()
    async with (
        open_infrastructure(settings, RELAY_MIGRATIONS) as one,
        open_infrastructure(settings, RELAY_MIGRATIONS) as two,
        two.bus.subscribe(events_queue("test.events"), heard.handle),
    ):
        await append(one.store, "s", new_events(1))
        await one.bus.publish(messages(1))
        await eventually(lambda: heard.messages)

        assert len(await two.store.read("s")) == 1
        assert (type(one.store), type(one.bus)) == (PostgresEventStore, RabbitMqBus)
        assert one.instance != two.instance
        assert one.credentials == two.credentials


async def test_without_a_broker_the_bus_is_within_the_process(database_url: str, tmp_path: Path) -> None:
    async with open_infrastructure(Settings(database_url=database_url, data_dir=tmp_path)) as infrastructure:
        assert type(infrastructure.bus) is InProcessBus


async def test_without_a_broker_only_one_process_may_use_a_database_at_a_time(
    database_url: str, tmp_path: Path
) -> None:
    settings = Settings(database_url=database_url, data_dir=tmp_path)
    for _ in range(5):
        async with open_infrastructure(settings):
            with pytest.raises(SettingError, match="ONRECORD_AMQP_URL is not set, and another onrecord runs"):
                async with open_infrastructure(settings):
                    pass


@pytest.mark.parametrize(("url", "reason"), _WRONG_DATABASES.values(), ids=_WRONG_DATABASES)
async def test_a_database_that_cannot_be_reached_is_named_by_its_setting(
    database_url: str, tmp_path: Path, url: str, reason: str
) -> None:
    settings = Settings(database_url=url.format(server=database_url.rpartition("/")[0]), data_dir=tmp_path)

    with pytest.raises(SettingError, match=f"^ONRECORD_DATABASE_URL .*{reason}"):
        async with open_infrastructure(settings):
            pass


@pytest.mark.parametrize("password", ["pa/hush", "hush#1", "hush?x", "[hush", "p@hush:x"])
async def test_no_part_of_a_password_is_shown_where_its_url_cannot_be_read(tmp_path: Path, password: str) -> None:
    settings = Settings(database_url=f"postgresql://onrecord:{password}@127.0.0.1/onrecord", data_dir=tmp_path)
    with pytest.raises(SettingError) as refusal:
        async with open_infrastructure(settings):
            pass
    assert "hush" not in "".join(traceback.format_exception(refusal.value))


@pytest.mark.parametrize(("url", "reason"), _WRONG_BROKERS.values(), ids=_WRONG_BROKERS)
async def test_a_broker_that_cannot_be_reached_is_named_by_its_setting(
    database_url: str, tmp_path: Path, url: str, reason: str
) -> None:
    settings = Settings(database_url=database_url, amqp_url=url, data_dir=tmp_path)

    with pytest.raises(SettingError, match=f"^ONRECORD_AMQP_URL .*{reason}"):
        async with asyncio.timeout(15), open_infrastructure(settings):
            pass


async def test_a_database_that_cannot_be_prepared_is_named_by_its_setting(database_url: str, tmp_path: Path) -> None:
    (tmp_path / "0001_event_log.sql").write_text("CREATE TABLE another_programs ()")
    settings = Settings(database_url=database_url)
    async with open_database(settings, [tmp_path]):
        pass

    with pytest.raises(SettingError, match=r"cannot be prepared: .*0001_event_log.sql was edited"):
        async with open_database(settings, [LOG_MIGRATIONS]):
            pass


async def test_a_data_folder_that_cannot_be_made_is_named_by_its_setting(data_dir: Path) -> None:
    (data_dir / "file").touch()

    with pytest.raises(SettingError, match=r"^ONRECORD_DATA_DIR "):
        async with open_infrastructure(Settings(data_dir=data_dir / "file" / "data")):
            pass


async def test_a_data_folder_that_cannot_hold_the_embedded_postgres_is_told(data_dir: Path) -> None:
    (data_dir / "postgres").touch()

    with pytest.raises(StartupError, match=r"embedded Postgres in .* does not start .*: set ONRECORD_DATABASE_URL"):
        async with open_database(Settings(data_dir=data_dir), [LOG_MIGRATIONS]):
            pass


async def test_the_embedded_postgres_keeps_the_log_from_one_start_to_the_next(data_dir: Path) -> None:
    settings = Settings(data_dir=data_dir / "data")
    for run in (1, 2):
        async with open_infrastructure(settings) as infrastructure:
            await append(infrastructure.store, "s", new_events(1))
            assert len(await infrastructure.store.read("s")) == run


@pytest.mark.parametrize("missing", ["ONRECORD_AMQP_URL", "ONRECORD_DATABASE_URL"])
def test_a_service_alone_needs_what_it_shares_with_the_others(missing: str) -> None:
    urls = {"ONRECORD_AMQP_URL": "amqp://127.0.0.1:1/", "ONRECORD_DATABASE_URL": "postgresql://127.0.0.1:1/"} | {
        missing: None
    }
    settings = Settings(amqp_url=urls["ONRECORD_AMQP_URL"], database_url=urls["ONRECORD_DATABASE_URL"])

    with pytest.raises(SettingError, match=f"^{missing} is not set: a service alone"):
        shared_infrastructure(settings)
