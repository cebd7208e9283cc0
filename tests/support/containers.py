"""Servers in containers, where Docker answers. The run's first process removes them when the run ends.

testcontainers' own reaper removes them as soon as the worker that started them ends, while others still use
them; so it is off. A run that is killed leaves its containers to whoever killed it.
"""

import gc
import warnings
from collections.abc import Iterable

import docker
import pika.exceptions
from docker.errors import DockerException, NotFound
from testcontainers.community.postgres import PostgresContainer
from testcontainers.community.rabbitmq import RabbitMqContainer
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer
from testcontainers.core.exceptions import ContainerStartException

from tests.support.commands import announce
from tests.support.servers import NotHereError, Server

POSTGRES_IMAGE = "postgres:17"
RABBITMQ_IMAGE = "rabbitmq:4-management"
MANAGEMENT_PORT = 15672


def postgres() -> Server:
    """PostgreSQL in a container."""
    container = PostgresContainer(POSTGRES_IMAGE, driver=None)
    container.with_command("postgres -c fsync=off")  # what it writes need not outlive it
    identity = _start(container)
    return Server(container.get_connection_url(), container=identity)


def rabbitmq() -> Server:
    """RabbitMQ with its management API in a container."""
    container = RabbitMqContainer(RABBITMQ_IMAGE, username="guest", password="guest")
    container.with_exposed_ports(MANAGEMENT_PORT)
    identity = _start(container)
    host, port = container.get_container_host_ip(), container.get_exposed_port(container.port)
    return Server(
        f"amqp://guest:guest@{host}:{port}/",
        api_url=f"http://guest:guest@{host}:{container.get_exposed_port(MANAGEMENT_PORT)}",
        container=identity,
    )


def require_docker() -> None:
    """Refuses where no Docker engine answers."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # a refused client leaves its socket open
        answers = _docker_answers()
        gc.collect()
    if not answers:
        raise NotHereError("no Docker engine answers")


def remove(identities: Iterable[str]) -> None:
    """Removes the containers, those that are gone already included."""
    client = docker.from_env()
    for identity in identities:
        try:
            client.containers.get(identity).remove(force=True, v=True)
        except NotFound:
            continue
    client.close()


def _docker_answers() -> bool:
    try:
        docker.from_env().close()
    except DockerException:
        return False
    return True


def _start(container: DockerContainer) -> str:
    testcontainers_config.ryuk_disabled = True
    announce(f"Starting a container of {container.image} …")
    try:
        container.start()
    except (DockerException, ContainerStartException, TimeoutError, pika.exceptions.AMQPError) as error:
        container.stop()
        raise NotHereError(f"{container.image} does not start: {error}") from error
    return container.get_container_id()
