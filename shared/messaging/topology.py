"""Exchanges and queues, as data. Nothing else in the system names one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from shared.contracts.whip_session import worker_address

#: Topic exchange; the routing key is the event's wire type.
EVENTS = "onrecord.events"
#: Direct exchange; the routing key is the owning service, or one process of it.
COMMANDS = "onrecord.commands"
#: Where messages go that nobody could handle, with the queue they failed in as routing key.
DEAD_LETTERS = "onrecord.dead-letters"


class Order(Enum):
    """Which messages of a queue wait for each other within a consumer."""

    #: All: one at a time, in the order of the log.
    LOG = auto()
    #: Those of one stream. Those without a stream count as one.
    STREAM = auto()
    #: None: each is handled as it comes.
    NONE = auto()


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue and what it is bound to."""

    name: str
    exchange: str
    bindings: tuple[str, ...]
    order: Order = Order.STREAM
    #: A durable quorum queue that all replicas of a service share. Else it is one process's and dies with it.
    shared: bool = True
    #: How often a message is tried before it goes to the dead letters.
    attempts: int = 5
    #: How many messages may be on their way to a consumer, and so be handled at the same time.
    prefetch: int = 100


GATEWAY_COMMANDS = Queue("gateway.commands", COMMANDS, ("gateway",), Order.NONE)
CONSENT_COMMANDS = Queue("consent.commands", COMMANDS, ("consent",), Order.NONE)
RECORDER_COMMANDS = Queue("recorder.commands", COMMANDS, ("recorder",), Order.NONE)
NOTIFIER_COMMANDS = Queue("notifier.commands", COMMANDS, ("notifier",), Order.NONE)
#: Requests that one worker, whichever takes them first, answers.
RECORDER_ASSIGNMENTS = Queue(
    "recorder.assignments", EVENTS, ("recording.requested.v1", "participant-recording.requested.v1")
)

#: What every service declares before it speaks, so that nothing is published before its audience exists.
SHARED_QUEUES = (GATEWAY_COMMANDS, CONSENT_COMMANDS, RECORDER_COMMANDS, NOTIFIER_COMMANDS, RECORDER_ASSIGNMENTS)


def live_queue(service: str, instance: str) -> Queue:
    """Return the queue by which one process follows everything that happens."""
    return Queue(f"{service}.live.{instance}", EVENTS, ("#",), Order.LOG, shared=False)


def worker_queue(worker_id: str) -> Queue:
    """Return the queue of commands that one worker alone can answer."""
    address = worker_address(worker_id)
    return Queue(f"recorder.commands.{worker_id}", COMMANDS, (address,), Order.NONE, shared=False)
