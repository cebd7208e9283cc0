"""RabbitMQ for tests: finds a broker and gives each test a virtual host of its own.

Names on the bus are fixed, so tests that share a virtual host would hear each other. A virtual host costs the
broker 20 ms, but each `rabbitmqctl` half a second for its Erlang machine; so where the management API does
not answer, virtual hosts are made and removed by the batch, in one call.
"""

import asyncio
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol
from urllib.parse import quote, urlsplit

import aio_pika
import httpx

from tests.support import debian
from tests.support.commands import run
from tests.support.servers import (
    NoServerError,
    NotHereError,
    Server,
    Way,
    first_usable,
    from_environment,
    search,
    with_path,
)

VARIABLE = "ONRECORD_TEST_AMQP_URL"
API_VARIABLE = "ONRECORD_TEST_RABBITMQ_API_URL"
LOCAL_URL = "amqp://guest:guest@127.0.0.1:5672/"
ADVICE = (
    "Install RabbitMQ and start it with its user guest on localhost, or start Docker, "
    f"or set {VARIABLE}=amqp://administrator:password@host:port/"
)
UNMANAGED = (
    "Tests need to make virtual hosts on RabbitMQ. Its management API does not answer at {api}, and "
    "rabbitmqctl cannot be used here. Enable the API (rabbitmq-plugins enable rabbitmq_management), or run "
    "the tests as root on the broker's machine, or say where the API is: "
    f"{API_VARIABLE}=http://administrator:password@host:port"
)


def find() -> Server:
    """A broker that accepts us."""
    ways = [
        from_environment(VARIABLE, check),
        Way("localhost, port 5672", lambda: first_usable([LOCAL_URL], check)),
        Way("a container", _container),
        Way("Debian's packages", debian.rabbitmq),
    ]
    return search("RabbitMQ", ways, ADVICE)


def check(url: str) -> None:
    """Refuses where no broker accepts us."""
    asyncio.run(_check(url))


class Control(Protocol):
    """Makes and removes virtual hosts in which our user may do everything."""

    #: How many to make at once, so that one costs little.
    batch: int

    def create(self, names: list[str]) -> None: ...
    def delete(self, names: list[str]) -> None: ...
    def disconnect(self, name: str) -> None:
        """Have the broker close all connections to the virtual host."""
        ...


class VirtualHosts:
    """Hands out fresh virtual hosts, and removes the used ones when it makes more."""

    def __init__(self, server: Server, control: Control) -> None:
        self._url = server.url
        self._control = control
        self._fresh: list[str] = []
        self._used: list[str] = []

    @contextmanager
    def lend(self) -> Iterator[str]:
        """The address of a virtual host that nobody has used, for as long as the block lasts."""
        if not self._fresh:
            self._refill()
        name = self._fresh.pop()
        try:
            yield with_path(self._url, name)
        finally:
            self._used.append(name)

    def disconnect(self, url: str) -> None:
        """Has the broker close all connections to the virtual host at this address."""
        self._control.disconnect(urlsplit(url).path.removeprefix("/"))

    def close(self) -> None:
        """Removes all that are not lent."""
        self._control.delete(self._used + self._fresh)
        self._used, self._fresh = [], []

    def _refill(self) -> None:
        self._control.delete(self._used)
        self._used = []
        names = [f"onrecord-test-{secrets.token_hex(8)}" for _ in range(self._control.batch)]
        self._control.create(names)
        self._fresh = names


class ManagementApi:
    """Control through RabbitMQ's HTTP API."""

    batch = 1

    def __init__(self, url: str, user: str) -> None:
        none_kept = httpx.Limits(max_keepalive_connections=0)  # so that nothing is left to close
        self._http = httpx.Client(base_url=url, timeout=10, limits=none_kept)
        self._user = user

    def answers(self) -> bool:
        try:
            return self._http.get("/api/whoami").is_success
        except httpx.HTTPError:
            return False

    def create(self, names: list[str]) -> None:
        everything = {"configure": ".*", "write": ".*", "read": ".*"}
        user = quote(self._user, safe="")
        for name in names:
            self._http.put(f"/api/vhosts/{name}").raise_for_status()
            self._http.put(f"/api/permissions/{name}/{user}", json=everything).raise_for_status()

    def delete(self, names: list[str]) -> None:
        for name in names:
            self._http.delete(f"/api/vhosts/{name}").raise_for_status()

    def disconnect(self, name: str) -> None:
        deadline = time.monotonic() + 15  # the API learns of connections only every few seconds
        while not (connections := self._connections(name)) and time.monotonic() < deadline:
            time.sleep(0.1)
        for connection in connections:
            self._http.delete(f"/api/connections/{quote(connection, safe='')}")

    def _connections(self, name: str) -> list[str]:
        found = self._http.get(f"/api/vhosts/{name}/connections").raise_for_status().json()
        return [connection["name"] for connection in found]


class Rabbitmqctl:
    """Control through the command on the broker's machine."""

    batch = 16

    def __init__(self, user: str) -> None:
        self._user = user

    def create(self, names: list[str]) -> None:
        grant = f'rabbit_auth_backend_internal:set_permissions(<<"{self._user}">>, V, A, A, A, U)'
        self._for_each(names, f'A = <<".*">>, ok = rabbit_vhost:add(V, U), ok = {grant}')

    def delete(self, names: list[str]) -> None:
        self._for_each(names, "rabbit_vhost:delete(V, U)")

    def disconnect(self, name: str) -> None:
        run("rabbitmqctl", "close_all_connections", "--vhost", name, "closed by a test")

    def _for_each(self, names: list[str], erlang: str) -> None:
        if names:
            hosts = ", ".join(f'<<"{name}">>' for name in names)
            run("rabbitmqctl", "eval", f'U = <<"tests">>, [begin {erlang} end || V <- [{hosts}]].')


def control_of(server: Server) -> Control:
    """The cheapest control that is open to us."""
    parts = urlsplit(server.url)
    user = parts.username or "guest"
    standard = f"http://{quote(user)}:{parts.password or 'guest'}@{parts.hostname}:15672"
    api = ManagementApi(server.api_url or os.environ.get(API_VARIABLE) or standard, user)
    if api.answers():
        return api
    if os.geteuid() == 0 and parts.hostname in {"127.0.0.1", "localhost"} and shutil.which("rabbitmqctl"):
        return Rabbitmqctl(user)
    raise NoServerError(UNMANAGED.format(api=f"{parts.hostname}:15672"))


async def _check(url: str) -> None:
    try:
        connection = await aio_pika.connect(url, timeout=5)
    except (OSError, ValueError, aio_pika.exceptions.AMQPError) as error:
        raise NotHereError(str(error) or type(error).__name__) from error
    await connection.close()


def _container() -> Server:
    from tests.support import containers  # noqa: PLC0415  half a second that most runs need not wait

    containers.require_docker()
    return containers.rabbitmq()
