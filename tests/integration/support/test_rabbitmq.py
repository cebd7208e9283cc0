"""Each test has a virtual host of its own, on a broker that can be administered."""

import aio_pika
import pytest

from tests.support import rabbitmq
from tests.support.servers import NoServerError, NotHereError, Server

BROKER = Server("amqp://guest:guest@127.0.0.1:5672/")


async def test_two_virtual_hosts_are_separate(amqp_url: str, virtual_hosts: rabbitmq.VirtualHosts) -> None:
    with virtual_hosts.lend() as other_url:
        here, there = await aio_pika.connect(amqp_url), await aio_pika.connect(other_url)
        await (await here.channel()).declare_queue("mine")

        with pytest.raises(aio_pika.exceptions.ChannelNotFoundEntity):
            await (await there.channel()).declare_queue("mine", passive=True)

        await here.close()
        await there.close()


class Recorder:
    """Control of virtual hosts that are but names."""

    def __init__(self, batch: int) -> None:
        self.batch = batch
        self.calls: list[tuple[str, int]] = []
        self.present: set[str] = set()

    def create(self, names: list[str]) -> None:
        self.calls.append(("create", len(names)))
        self.present |= set(names)

    def delete(self, names: list[str]) -> None:
        self.calls.append(("delete", len(names)))
        self.present -= set(names)

    def disconnect(self, name: str) -> None:
        raise AssertionError(f"nobody is connected to {name}")


def test_virtual_hosts_are_made_by_the_batch_and_removed_when_used() -> None:
    control = Recorder(batch=2)
    supply = rabbitmq.VirtualHosts(BROKER, control)
    urls = set()

    for _ in range(3):
        with supply.lend() as url:
            urls.add(url)
    supply.close()

    assert len(urls) == 3
    assert control.calls == [("delete", 0), ("create", 2), ("delete", 2), ("create", 2), ("delete", 2)]
    assert not control.present


def test_a_virtual_host_that_is_lent_stays_while_more_are_made() -> None:
    control = Recorder(batch=1)
    supply = rabbitmq.VirtualHosts(BROKER, control)

    with supply.lend() as first, supply.lend() as second:
        assert control.present == {url.rpartition("/")[2] for url in (first, second)}


def test_a_broker_that_cannot_be_administered_is_refused_with_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    unreachable = Server(BROKER.url, api_url="http://127.0.0.1:1")

    with pytest.raises(NoServerError, match=r"rabbitmq_management.*ONRECORD_TEST_RABBITMQ_API_URL"):
        rabbitmq.control_of(unreachable)


def test_a_broker_that_is_not_there_is_refused() -> None:
    with pytest.raises(NotHereError):
        rabbitmq.check("amqp://guest:guest@127.0.0.1:1/")
