"""Runs `onrecord bench log` on the servers that tests use, in a virtual host of its own: `make bench`.

Arguments are those of that command.
"""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from services.cli import main
from tests.support import postgres, rabbitmq, servers
from tests.support.servers import NoServerError, Server


def run() -> None:
    try:
        with _servers() as (database, broker), _virtual_host(broker) as amqp_url:
            os.environ |= {"ONRECORD_DATABASE_URL": database.url, "ONRECORD_AMQP_URL": amqp_url}
            sys.argv = ["onrecord", "bench", "log", *sys.argv[1:]]
            main()
    except NoServerError as error:
        sys.exit(str(error))


@contextmanager
def _servers() -> Iterator[tuple[Server, Server]]:
    """Find them as a run of the tests does, and remove the containers that were started for it."""
    servers.begin_run()
    directory = servers.run_directory()
    try:
        yield (
            servers.shared(directory, "postgres_server", postgres.find),
            servers.shared(directory, "rabbitmq_server", rabbitmq.find),
        )
    finally:
        if started := servers.containers(directory):
            from tests.support import containers  # noqa: PLC0415  only a run that started one needs it

            containers.remove(started)
        shutil.rmtree(directory)


@contextmanager
def _virtual_host(broker: Server) -> Iterator[str]:
    supply = rabbitmq.VirtualHosts(broker, rabbitmq.control_of(broker))
    try:
        with supply.lend() as amqp_url:
            yield amqp_url
    finally:
        supply.close()


if __name__ == "__main__":
    run()
