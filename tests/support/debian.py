"""Servers from Debian's packages, on machines where we may install them. They stay when the run ends."""

import os
import secrets
import shutil
import time

from tests.support.commands import announce, run
from tests.support.servers import NotHereError, Server

STARTUP_SECONDS = 60


def require(program: str, package: str) -> None:
    """Installs the package unless its program is there already."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise NotHereError("needs root and apt-get")
    if shutil.which(program):
        return
    announce(f"Installing {package} from Debian's packages, once …")
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    run("apt-get", "update", "-qq", environment=quiet, timeout=300)
    run("apt-get", "install", "-qq", "-y", "--no-install-recommends", package, environment=quiet, timeout=900)


def postgres() -> Server:
    """Debian's main cluster, running, with a superuser for this run."""
    require("pg_ctlcluster", "postgresql")
    clusters = [line.split() for line in run("pg_lsclusters", "--no-header").splitlines()]
    if not clusters:
        raise NotHereError("the package is installed, but has no cluster")
    version, name, port, status = clusters[-1][:4]
    if not status.startswith("online"):
        run("pg_ctlcluster", version, name, "start")
    return Server(_superuser_url(port))


def rabbitmq() -> Server:
    """Debian's broker, running; guest is its administrator on this machine."""
    require("rabbitmq-server", "rabbitmq-server")
    try:
        run("rabbitmqctl", "ping")
    except NotHereError:
        run("rabbitmq-server", "-detached")
        _await_rabbitmq(time.monotonic() + STARTUP_SECONDS)
    return Server("amqp://guest:guest@127.0.0.1:5672/")


def _await_rabbitmq(deadline: float) -> None:
    """Waits for the broker; before its Erlang machine is up, rabbitmqctl itself does not wait."""
    while True:
        try:
            run("rabbitmqctl", "await_startup", "--timeout", "10")
        except NotHereError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)
        else:
            return


def _superuser_url(port: str) -> str:
    """A role that only this run knows and that soon expires, since the cluster may serve others too."""
    role, password = f"onrecord_test_{secrets.token_hex(4)}", secrets.token_hex(16)
    sql = (
        f"CREATE ROLE {role} SUPERUSER LOGIN PASSWORD '{password}' "
        f"VALID UNTIL '{time.strftime('%Y-%m-%d', time.gmtime(time.time() + 2 * 86400))}'"
    )
    run("runuser", "-u", "postgres", "--", "psql", "-q", "-p", port, "-d", "postgres", "-c", sql)
    return f"postgresql://{role}:{password}@127.0.0.1:{port}/postgres"
