"""The fixtures by which tests ask for servers, and the search for them before the first test runs."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import structlog

from tests.support import chromium as browsers
from tests.support import postgres, rabbitmq, servers
from tests.support.servers import NoServerError, Server, run_directory, shared

_FINDERS = {"postgres_server": postgres.find, "rabbitmq_server": rabbitmq.find, "chromium": browsers.find}


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A folder for an embedded Postgres, which for root runs as a user of its own.

    Not `tmp_path`: every pytest that root starts closes its parent to other users, also those of a running test.
    """
    with tempfile.TemporaryDirectory(prefix="onrecord-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    """Undo what a command does that runs within a test: it would log to a file that pytest closes with the test."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)


@pytest.fixture(scope="session")
def postgres_server() -> Server:
    """A PostgreSQL server on which tests are superuser."""
    return _found("postgres_server")


@pytest.fixture(scope="session")
def rabbitmq_server() -> Server:
    """A RabbitMQ broker on which tests may make virtual hosts."""
    return _found("rabbitmq_server")


@pytest.fixture(scope="session")
def chromium() -> Path:
    """The program of a Chromium on this machine."""
    return browsers.program(_found("chromium"))


@pytest.fixture
async def database_url(postgres_server: Server) -> AsyncIterator[str]:
    """A database of the test's own, empty."""
    url = await postgres.create_database(postgres_server.url)
    yield url
    await postgres.drop_database(postgres_server.url, url)


@pytest.fixture(scope="session")
def virtual_hosts(rabbitmq_server: Server) -> Iterator[rabbitmq.VirtualHosts]:
    """This worker's supply of virtual hosts."""
    try:
        control = rabbitmq.control_of(rabbitmq_server)
    except NoServerError as error:
        pytest.fail(str(error), pytrace=False)
    supply = rabbitmq.VirtualHosts(rabbitmq_server, control)
    yield supply
    supply.close()


@pytest.fixture
def amqp_url(virtual_hosts: rabbitmq.VirtualHosts) -> Iterator[str]:
    """A virtual host of the test's own, empty."""
    with virtual_hosts.lend() as url:
        yield url


def pytest_configure(config: pytest.Config) -> None:
    # The coloured tracebacks of the default take a third of a second each.
    structlog.configure(processors=[structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)])
    if not _is_worker(config):
        servers.begin_run()


def pytest_collection_finish(session: pytest.Session) -> None:
    """Finds the servers that the selected tests ask for; installing one takes longer than a test may."""
    asked_for = {name for item in session.items for name in getattr(item, "fixturenames", ())}
    capture = session.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        for name in sorted(asked_for & _FINDERS.keys()):
            _outcome(name)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Removes the run's containers, after the last worker."""
    if _is_worker(config):
        return
    directory = run_directory()
    started = servers.containers(directory)
    if started:
        from tests.support import containers  # noqa: PLC0415  only a run that started one needs it

        containers.remove(started)
    shutil.rmtree(directory)


def _found(name: str) -> Server:
    outcome = _outcome(name)
    if isinstance(outcome, NoServerError):
        pytest.fail(str(outcome), pytrace=False)
    return outcome


def _outcome(name: str) -> Server | NoServerError:
    try:
        return shared(run_directory(), name, _FINDERS[name])
    except NoServerError as error:
        return error


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")
