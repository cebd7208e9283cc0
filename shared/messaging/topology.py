"""Exchanges and queues, as data. Nothing else in the system names one."""

from __future__ import annotations

from dataclasses import dataclass

#: Topic exchange; the routing key is the event's wire type.
EVENTS = "onrecord.events"
#: Direct exchange; the routing key is the owning service.
COMMANDS = "onrecord.commands"
#: Where messages go that nobody could handle, with the queue they failed in as routing key.
DEAD_LETTERS = "onrecord.dead-letters"


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue and what it is bound to."""

    name: str
    exchange: str
    bindings: tuple[str, ...]
    #: A durable quorum queue that all replicas of a service share. Else it is one process's and dies with it.
    shared: bool = True
    #: Only one replica consumes at a time, so that order is kept.
    ordered: bool = False
    #: How often a message is tried before it goes to the dead letters.
    attempts: int = 5
    #: How many messages may be on their way to a consumer.
    prefetch: int = 100


CONSENT_COMMANDS = Queue("consent.commands", COMMANDS, ("consent",))
RECORDER_COMMANDS = Queue("recorder.commands", COMMANDS, ("recorder",))
#: Requests that one worker, whichever takes them first, answers.
RECORDER_ASSIGNMENTS = Queue(
    "recorder.assignments", EVENTS, ("recording.requested.v1", "participant-recording.requested.v1")
)
NOTIFIER_EVENTS = Queue("notifier.events", EVENTS, ("recording.#", "participant-recording.#"), ordered=True)

#: What every service declares before it speaks, so that nothing is published before its audience exists.
SHARED_QUEUES = (CONSENT_COMMANDS, RECORDER_COMMANDS, RECORDER_ASSIGNMENTS, NOTIFIER_EVENTS)


def live_queue(service: str, instance: str) -> Queue:
    """Return the queue by which one process follows everything that happens."""
    return Queue(f"{service}.live.{instance}", EVENTS, ("#",), shared=False, ordered=True)
