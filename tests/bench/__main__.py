"""Runs `onrecord bench log`, `signaling`, `webhooks` and `media` on the servers that tests use: `make bench`.

`python -m tests.bench [log|signaling|webhooks|media] [OPTIONS]`: with a name, only that one. Options are those of the
commands. Each has a virtual host of its own.
"""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from services.cli import main
from tests.support import postgres, rabbitmq, servers
from tests.support.servers import NoServerError, Server

BENCHES = "log", "signaling", "webhooks", "media"
#: Options that mean something else, or another file, for each.
_OF_ONE = "--only", "--json"


def run() -> None:
    names, options = chosen(sys.argv[1:])
    try:
        with _servers() as (database, broker):
            os.environ["ONRECORD_DATABASE_URL"] = database.url
            for name in names:
                with _virtual_host(broker) as amqp_url:
                    os.environ["ONRECORD_AMQP_URL"] = amqp_url
                    _bench(name, options)
    except NoServerError as error:
        sys.exit(str(error))


def chosen(arguments: list[str]) -> tuple[tuple[str, ...], list[str]]:
    """Return what is to be run, and its options. Exits when an option is for one of several."""
    if arguments and arguments[0] in BENCHES:
        return (arguments[0],), arguments[1:]
    for option in _OF_ONE:
        if any(argument.partition("=")[0] == option for argument in arguments):
            sys.exit(f"{option} is for one bench: say which first, as in make bench ARGS='log {option} …'")
    return BENCHES, arguments


def _bench(name: str, options: list[str]) -> None:
    sys.argv = ["onrecord", "bench", name, *options]
    try:
        main()
    except SystemExit as end:
        if end.code:
            raise


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
