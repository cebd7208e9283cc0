"""The bus as an AsyncAPI document, made of the contracts and the topology.

`python -m shared.documents.bus` writes it to `docs/asyncapi/bus.json`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from shared.contracts.message import Command, Contract
from shared.contracts.participant_recording import (
    ParticipantRecordingAccepted,
    PauseParticipantRecording,
    ResumeParticipantRecording,
    StartParticipantRecording,
    StopParticipantRecording,
)
from shared.contracts.registry import COMMANDS, EVENTS
from shared.contracts.reply import Accepted, Refused
from shared.contracts.rtp_source import OpenRtpSource, RtpSourceOpened
from shared.contracts.watermark import Watermark
from shared.contracts.whip_session import (
    OpenWhipSession,
    PatchWhipSession,
    WhipSessionOpened,
    WhipSessionPatched,
    worker_address,
)
from shared.documents.asyncapi import Json, channel_messages, document, of_channel, ref, summary, write
from shared.documents.bus_examples import example
from shared.documents.json_schema import component_schemas
from shared.messaging import topology
from shared.messaging.topology import SHARED_QUEUES, Queue, live_queue, worker_queue

_DESCRIPTION = """\
What services say to each other over RabbitMQ. The relay publishes what is in the log, once it is there and in its \
order, and nothing else; at least once. Commands go to the one service that owns the stream, and are answered."""

#: The service that appends the events of a category, which is the first word of their wire type.
APPENDS: Mapping[str, str] = {
    "room": "gateway",
    "consent": "consent",
    "recording": "gateway",
    "participant-recording": "recorder",
    "merge": "recorder",
    "webhook": "notifier",
}
_PUBLISHED: Mapping[str, type[Contract]] = {**EVENTS, Watermark.type: Watermark}
_REPLIES: Mapping[str, type[Contract]] = {
    each.type: each
    for each in (
        Accepted,
        Refused,
        RtpSourceOpened,
        WhipSessionOpened,
        WhipSessionPatched,
        ParticipantRecordingAccepted,
    )
}
#: Of commands that are answered with more than that it was done.
_ANSWERS: Mapping[type[Command], str] = {
    OpenRtpSource: RtpSourceOpened.type,
    OpenWhipSession: WhipSessionOpened.type,
    PatchWhipSession: WhipSessionPatched.type,
    StartParticipantRecording: ParticipantRecordingAccepted.type,
    StopParticipantRecording: ParticipantRecordingAccepted.type,
    PauseParticipantRecording: ParticipantRecordingAccepted.type,
    ResumeParticipantRecording: ParticipantRecordingAccepted.type,
}
#: The others are for one process alone, whose queue dies with it.
_FOR_ANY_REPLICA = {
    wire_type: command for wire_type, command in COMMANDS.items() if command.addressee is Command.addressee
}
_BINDING = {"bindingVersion": "0.3.0"}
_OWNERS = sorted({command.owner for command in COMMANDS.values()})

_ADDRESSEE = "the service that owns the stream, or the one worker that has a participant's WHIP session"

_UUID = {"type": "string", "format": "uuid"}
_NUMBER = {"type": "string", "pattern": "^[0-9]+$"}
_MOMENT = {"type": "string", "format": "date-time"}
_ACTOR = {"type": "string", "description": "Who said so, for instance `participant:alice`."}
_CORRELATION = _UUID | {"description": "The first message of the whole chain."}
_HEADERS = {
    "EventHeaders": {
        "stream": {"type": "string", "description": "The event stream it belongs to."},
        "position": _NUMBER | {"description": "Its place in its stream, from 1, without holes."},
        "global-position": _NUMBER | {"description": "Its place in the log, from 1, without holes."},
        "occurred-at": _MOMENT | {"description": "When it took effect."},
        "actor": _ACTOR,
        "causation-id": _UUID | {"description": "The message that led to it."},
        "correlation-id": _CORRELATION,
    },
    "CommandHeaders": {"actor": _ACTOR, "correlation-id": _CORRELATION},
    "LapsingCommandHeaders": {
        "actor": _ACTOR,
        "correlation-id": _CORRELATION,
        "lapses-at": _MOMENT | {"description": "After this nobody waits for it any more, and it is refused."},
    },
}


def bus_document() -> Json:
    contracts = {**_PUBLISHED, **COMMANDS, **_REPLIES}
    return document(
        "onrecord bus",
        _DESCRIPTION,
        servers={"broker": {"host": "127.0.0.1:5672", "protocol": "amqp", "protocolVersion": "0-9-1"}},
        channels=_channels(),
        operations={"publish": _publish(), "follow": _follow(), **_asking(), **_taking()},
        components={
            "messages": {wire_type: _message(wire_type, contract) for wire_type, contract in contracts.items()},
            "schemas": component_schemas(contracts.values(), "validation")
            | {name: _of_strings(headers) for name, headers in _HEADERS.items()},
        },
    )


def _of_strings(headers: Mapping[str, Any]) -> Json:
    return {"type": "object", "properties": dict(headers), "required": list(headers)}


# -------------------------------------------------------------------------------------------------------- channels


def _channels() -> Json:
    return {
        "events": _exchange(topology.EVENTS, "topic", "wireType", "its wire type", list(_PUBLISHED))
        | {"messages": channel_messages(_PUBLISHED)},
        "commands": _exchange(topology.COMMANDS, "direct", "owner", _ADDRESSEE, [*_OWNERS, worker_address("{worker}")])
        | {"messages": channel_messages(COMMANDS)},
        "replies": {
            "address": None,
            "title": "Answers",
            "description": "The queue that a command's property `reply_to` names, by the default exchange. The "
            "property `correlation_id` is the command's.",
            "messages": channel_messages(_REPLIES),
        },
        **{queue.name: _queue(queue) for queue in SHARED_QUEUES},
    }


def _exchange(name: str, kind: str, key: str, meaning: str, keys: list[str]) -> Json:
    exchange = {"name": name, "type": kind, "durable": True, "autoDelete": False}
    return {
        "address": f"{{{key}}}",
        "title": name,
        "description": f"The {kind} exchange `{name}`. The routing key of a message is {meaning}.",
        "parameters": {key: {"description": f"The routing key: {meaning}.", "enum": keys}},
        "bindings": {"amqp": {"is": "routingKey", "exchange": exchange, **_BINDING}},
    }


def _queue(queue: Queue) -> Json:
    keys = ", ".join(f"`{key}`" for key in queue.bindings)
    return {
        "address": queue.name,
        "title": queue.name,
        "description": f"A quorum queue, bound to `{queue.exchange}` by {keys}. What nobody could handle goes to "
        f"`{topology.DEAD_LETTERS}`.",
        "messages": channel_messages(_taken(queue)),
        "bindings": {
            "amqp": {
                "is": "queue",
                "queue": {"name": queue.name, "durable": True, "exclusive": False, "autoDelete": False},
                **_BINDING,
            }
        },
    }


def _taken(queue: Queue) -> list[str]:
    """Return the wire types that come to the queue."""
    if queue.exchange == topology.COMMANDS:
        return [wire_type for wire_type, command in _FOR_ANY_REPLICA.items() if command.owner in queue.bindings]
    return list(queue.bindings)


# ------------------------------------------------------------------------------------------------------ operations


def _publish() -> Json:
    return {
        "action": "send",
        "channel": ref("channels", "events"),
        "summary": "The relay publishes every event of the log, and the watermark five to ten times a second.",
        "messages": of_channel("events", _PUBLISHED),
        "bindings": {"amqp": {"deliveryMode": 2, **_BINDING}},
    }


def _follow() -> Json:
    return {
        "action": "receive",
        "channel": ref("channels", "events"),
        "summary": "Gateways, recorders and consent services follow all that happens.",
        "description": f"Each process by a queue of its own, `{live_queue('<service>', '<instance>').name}`, which is "
        "bound by `#` and dies with it. What the bus leaves out it reads from the log, by the global position.",
        "messages": of_channel("events", _PUBLISHED),
        "bindings": {"amqp": {"ack": True, **_BINDING}},
    }


def _asking() -> Json:
    return {f"ask.{wire_type}": _ask(wire_type) for wire_type in COMMANDS}


def _ask(wire_type: str) -> Json:
    command = COMMANDS[wire_type]
    accepted = _ANSWERS.get(command, Accepted.type)
    return {
        "action": "send",
        "channel": ref("channels", "commands"),
        "summary": f"{command.__name__} is asked of {_asked_of(wire_type)}.",
        "messages": of_channel("commands", [wire_type]),
        "reply": {
            "channel": ref("channels", "replies"),
            "messages": of_channel("replies", [accepted, Refused.type]),
        },
        "bindings": {"amqp": {"deliveryMode": 2, **_BINDING}},
    }


def _asked_of(wire_type: str) -> str:
    owner = COMMANDS[wire_type].owner
    if wire_type in _FOR_ANY_REPLICA:
        return f"the {owner} service"
    return f"one {owner}, by its own queue `{worker_queue('<worker>').name}`"


def _taking() -> Json:
    return {
        f"take.{queue.name}": {
            "action": "receive",
            "channel": ref("channels", queue.name),
            "summary": f"A replica of the {queue.name.partition('.')[0]} service takes it; replicas share the work.",
            "messages": of_channel(queue.name, _taken(queue)),
            "bindings": {"amqp": {"ack": True, **_BINDING}},
        }
        for queue in SHARED_QUEUES
    }


# -------------------------------------------------------------------------------------------------------- messages


def _message(wire_type: str, contract: type[Contract]) -> Json:
    shown = example(wire_type)
    headers = {"headers": dict(shown.headers)} if shown.headers else {}
    return {
        "name": wire_type,
        "title": contract.__name__,
        "summary": summary(contract),
        "description": _who(wire_type),
        **_headers(wire_type),
        "payload": ref("components", "schemas", contract.__name__),
        "bindings": {"amqp": {"messageType": wire_type, **_BINDING}},
        "examples": [{**headers, "payload": json.loads(shown.payload)}],
    }


def _headers(wire_type: str) -> Json:
    if wire_type not in EVENTS and wire_type not in COMMANDS:
        return {}
    name = "EventHeaders"
    if command := COMMANDS.get(wire_type):
        name = "LapsingCommandHeaders" if command.lapses else "CommandHeaders"
    correlation = {"location": "$message.header#/correlation-id"}
    return {"headers": ref("components", "schemas", name), "correlationId": correlation}


def _who(wire_type: str) -> str:
    if command := COMMANDS.get(wire_type):
        return (
            f"To the {command.owner} service, which decides it and answers. The property `message_id` is its id, the "
            "same when it is asked again."
        )
    if wire_type in EVENTS:
        category = wire_type.partition(".")[0]
        return f"By the {APPENDS[category]} service, to everybody. The property `message_id` is the event's id."
    return "By the relay, to everybody." if wire_type == Watermark.type else "By who was asked, to who asked."


if __name__ == "__main__":
    write("bus", bus_document())
