"""A process that listens as services do, and notes when each event was handed to its handler.

`python -m services.bench.log.listener QUEUE STREAMS COUNT FILE`: QUEUE is `live` or `shared`; events of streams whose
names begin with STREAMS count; after COUNT of them, or SIGTERM, FILE holds the times. It prints a line when it listens.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from uuid import uuid4

import uvloop

from services.bench.broker import BENCH_EVENTS
from services.bench.log.moments import Heard, hearing
from shared.messaging.rabbitmq import RabbitMqBus
from shared.messaging.topology import Queue, live_queue
from shared.runtime.errors import SettingError
from shared.runtime.process import stop_signal
from shared.runtime.settings import Settings, load_settings


async def listen(queue: Queue, streams: str, count: int) -> Heard:
    """Return what was heard, once that is all or we are told to stop."""
    settings = load_settings(Settings)
    if settings.amqp_url is None:
        raise SettingError("ONRECORD_AMQP_URL", "is not set: this process listens to a broker")
    bus = await RabbitMqBus.connect(settings.amqp_url)
    heard = Heard()
    try:
        async with stop_signal() as stop, bus.subscribe(queue, hearing(heard, streams, count, stop)):
            sys.stdout.write("listening\n")
            sys.stdout.flush()
            await stop.wait()
    finally:
        await bus.close()
    return heard


def named_queue(name: str) -> Queue:
    """Return one as a gateway has it, or one that replicas share."""
    return live_queue("bench", uuid4().hex[:12]) if name == "live" else BENCH_EVENTS


if __name__ == "__main__":
    _, name, streams, count, file = sys.argv
    all_heard = uvloop.run(listen(named_queue(name), streams, int(count)))
    Path(file).write_text(json.dumps({event_id.hex: moment for event_id, moment in all_heard.items()}))
