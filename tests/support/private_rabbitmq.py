"""A RabbitMQ of a test's own, which may be stopped and killed."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import aio_pika

from tests.support.commands import run
from tests.support.processes import free_port
from tests.support.servers import NotHereError, with_path

_START_SECONDS = 120
_STOP_SECONDS = 30

#: Debian's wrappers in the path change to the user of the machine's broker; the programs themselves are here.
_DEBIAN = Path("/usr/lib/rabbitmq/bin")

MISSING = (
    "Tests that kill a broker need one of their own, so the program {program} must be on this machine: the broker "
    "that the other tests use is elsewhere. Install RabbitMQ here (it need not run)."
)


class PrivateRabbitMq:
    """One broker in a folder, run as a child of this process, with an epmd of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = free_port()
        self._broker: subprocess.Popen[bytes] | None = None
        self._epmd: subprocess.Popen[bytes] | None = None
        self._environment = self._make_environment()

    @property
    def url(self) -> str:
        """The address of its first virtual host, as administrator."""
        return f"amqp://guest:guest@127.0.0.1:{self._port}/"

    def start(self) -> None:
        """Start it and wait until it accepts us."""
        if self._epmd is None:
            # In the foreground, by us: else the first broker would leave one behind.
            self._epmd = self._spawn(_program("epmd"), "-port", self._environment["ERL_EPMD_PORT"])
        self._broker = self._spawn(_program("rabbitmq-server"))
        self._await_answer()

    def stop(self) -> None:
        """Stop it in order."""
        broker = self._require_running()
        broker.send_signal(signal.SIGTERM)
        broker.wait(_STOP_SECONDS)

    def save_queues(self) -> None:
        """Have it write down which queues there are.

        Otherwise it does so within half a second. One that it is killed before comes back empty and without a leader,
        for ever: rabbitmq/rabbitmq-server#15725.
        """
        self._evaluate("[ok = dets:sync(Table) || Table <- dets:all()].")

    def kill(self) -> None:
        """End it as a power cut would."""
        broker = self._require_running()
        broker.kill()
        broker.wait(_STOP_SECONDS)

    def ensure(self) -> None:
        """Have it run, as a failed test may have left it stopped."""
        if self._broker is None or self._broker.poll() is not None:
            self.start()

    def end(self) -> None:
        """Leave nothing running, whatever the test did."""
        for process in (self._broker, self._epmd):
            if process and process.poll() is None:
                process.kill()
                process.wait(_STOP_SECONDS)

    def close_all_connections(self) -> None:
        """Have it close all connections, saying so."""
        run(_program("rabbitmqctl"), "close_all_connections", "closed by a test", environment=self._environment)

    def delete_queue(self, url: str, name: str) -> None:
        """Delete a queue of the virtual host at this address, even one that is exclusive to another connection."""
        queue = f'rabbit_misc:r(<<"{urlsplit(url).path[1:]}">>, queue, <<"{name}">>)'
        self._evaluate(f"{{ok, Q}} = rabbit_amqqueue:lookup({queue}), rabbit_amqqueue:delete(Q, false, false, <<>>).")

    def create_virtual_hosts(self, count: int) -> list[str]:
        """Make empty virtual hosts, in one call; return their addresses."""
        names = [f"test-{secrets.token_hex(6)}" for _ in range(count)]
        hosts = ", ".join(f'<<"{name}">>' for name in names)
        grant = 'rabbit_auth_backend_internal:set_permissions(<<"guest">>, V, A, A, A, U)'
        make = (
            f'U = <<"tests">>, A = <<".*">>, [begin ok = rabbit_vhost:add(V, U), ok = {grant} end || V <- [{hosts}]].'
        )
        self._evaluate(make)
        return [with_path(self.url, name) for name in names]

    def _evaluate(self, erlang: str) -> None:
        run(_program("rabbitmqctl"), "eval", erlang, environment=self._environment)

    def _require_running(self) -> subprocess.Popen[bytes]:
        assert self._broker is not None, "start it first"
        assert self._broker.poll() is None, f"it ended by itself: {self._said()}"
        return self._broker

    def _make_environment(self) -> dict[str, str]:
        for empty in ("environment", "plugins"):
            (self._folder / empty).write_text("[]." if empty == "plugins" else "")
        (self._folder / "rabbitmq.conf").write_text(f"listeners.tcp.local = 127.0.0.1:{self._port}\n")
        return {
            "HOME": str(self._folder),  # where the cookie is
            "ERL_EPMD_PORT": str(free_port()),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_FLAGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            "RUNNING_UNDER_SYSTEMD": "true",  # then its script becomes the broker and is not its parent
            "RABBITMQ_NODENAME": f"onrecord-{secrets.token_hex(4)}@localhost",
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_CONF_ENV_FILE": str(self._folder / "environment"),
            "RABBITMQ_CONFIG_FILE": str(self._folder / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self._folder / "plugins"),
            "RABBITMQ_MNESIA_BASE": str(self._folder / "data"),
            "RABBITMQ_LOG_BASE": str(self._folder / "logs"),
            "RABBITMQ_PID_FILE": str(self._folder / "pid"),
        }

    def _spawn(self, *argv: str) -> subprocess.Popen[bytes]:
        with (self._folder / "output").open("ab") as output:
            return subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self._folder,
                env={**os.environ, **self._environment},
                start_new_session=True,
            )

    def _await_answer(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while not _listens(self._port):
            assert time.monotonic() < deadline, f"does not answer within {_START_SECONDS} s: {self._said()}"
            self._require_running()
            time.sleep(0.05)  # between two looks; the deadline is above
        asyncio.run(_shake_hands(self.url))

    def _said(self) -> str:
        return (self._folder / "output").read_text()[-2000:]


@contextmanager
def private_rabbitmq() -> Iterator[PrivateRabbitMq]:
    """Run one while the context lasts."""
    with TemporaryDirectory(prefix="onrecord-rabbitmq-") as folder:
        server = PrivateRabbitMq(Path(folder))
        try:
            server.start()
            yield server
        finally:
            server.end()


def _program(name: str) -> str:
    if (_DEBIAN / name).exists():
        return str(_DEBIAN / name)
    found = shutil.which(name)
    if not found:
        raise NotHereError(MISSING.format(program=name))
    return found


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5):
        return True
    return False


async def _shake_hands(url: str) -> None:
    await (await aio_pika.connect(url, timeout=_START_SECONDS)).close()
