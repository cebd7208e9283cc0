"""The signaling WebSocket as an AsyncAPI document, made of what the gateway speaks.

`python -m services.gateway.signaling.asyncapi` writes it to `docs/asyncapi/signaling.json`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, get_args

from services.gateway.adapters.tickets import LENGTH
from services.gateway.signaling import commands, events
from services.gateway.signaling.connection import NORMAL, POLICY_VIOLATION, SERVICE_RESTART, TRY_AGAIN_LATER
from services.gateway.signaling.envelope import PROTOCOLS, TICKET_PREFIX, enveloped
from services.gateway.signaling.examples import ASKED, NOW, TOLD
from shared.documents.asyncapi import Json, channel_messages, document, of_channel, ref, summary, write
from shared.documents.json_schema import component_schemas

_TIMESTAMP = {"type": "string", "format": "date-time", "description": "RFC 3339, UTC."}
_DESCRIPTION = """\
What a client of the gateway says and is told. The document describes the gateway: it receives commands and sends \
events. In `docs/signaling.md` the same is told to people."""

#: How the gateway closes a connection, and what that means.
CLOSE_CODES: Mapping[int, str] = {
    NORMAL: "you came in a second time, by another connection; or there is no more to say",
    1007: "what you sent as text is no UTF-8",
    POLICY_VIOLATION: "you went on flooding after `rate_limit_exceeded`",
    1009: "a message of yours was longer than 1 MiB",
    SERVICE_RESTART: "this gateway stops, or took you for lost: come again, by any gateway",
    TRY_AGAIN_LATER: "you did not read what you were told",
}

#: By namespace, every command's class.
ASKABLE: Mapping[str, tuple[type[commands.ClientCommand], ...]] = {
    "control": get_args(commands.ControlCommand),
    "recording": get_args(commands.RecordingCommand),
    "echo": (commands.Ping,),
}


def signaling_document() -> Json:
    asked = [(namespace, command) for namespace, classes in ASKABLE.items() for command in classes]
    said = {command.__name__: _asked(namespace, command) for namespace, command in asked}
    told = {message.__name__: _told(message) for message in events.MESSAGES}
    schemas = component_schemas([command for _, command in asked], "validation")
    schemas |= component_schemas(events.MESSAGES, "serialization")
    return document(
        "onrecord signaling",
        _DESCRIPTION,
        servers={"gateway": _server()},
        channels={"signaling": _channel() | {"messages": channel_messages([*said, *told])}},
        operations={
            "hear": _operation("receive", "What clients send", list(said)),
            "tell": _operation("send", "What clients are told", list(told)),
        },
        components={
            "messages": said | told,
            "schemas": schemas | dict(_with_codes(schemas)),
            "securitySchemes": {"ticket": _ticket()},
        },
    )


def _server() -> Json:
    return {
        "host": "127.0.0.1:8080",
        "protocol": "ws",
        "description": "Where `make run` serves. Put a proxy with TLS in front, which makes it `wss`.",
        "security": [ref("components", "securitySchemes", "ticket")],
    }


def _ticket() -> Json:
    return {
        "type": "httpApiKey",
        "name": "Sec-WebSocket-Protocol",
        "in": "header",
        "description": f"`{TICKET_PREFIX}<ticket>` among the sub-protocols. A ticket is good once and for 30 s; "
        "`POST /v1/rooms/{id}/start` gives one.",
    }


def _channel() -> Json:
    codes = "\n".join(f"- {code}: {meaning}" for code, meaning in CLOSE_CODES.items())
    offered = {
        "type": "string",
        "description": f"{' or '.join(PROTOCOLS)}, and {TICKET_PREFIX}<ticket>, in any order. The answer is the "
        "protocol that was offered first.",
        "examples": [f"{PROTOCOLS[0]}, {TICKET_PREFIX}{'0' * LENGTH}"],
    }
    headers = {
        "type": "object",
        "properties": {"Sec-WebSocket-Protocol": offered},
        "required": ["Sec-WebSocket-Protocol"],
    }
    return {
        "address": "/signaling",
        "title": "One client's connection",
        "description": f"JSON, one message a frame, text or binary. The gateway closes with:\n\n{codes}",
        "bindings": {"ws": {"method": "GET", "headers": headers, "bindingVersion": "0.1.0"}},
        "x-sub-protocols": list(PROTOCOLS),
        "x-close-codes": {str(code): meaning for code, meaning in CLOSE_CODES.items()},
    }


def _operation(action: str, said: str, messages: list[str]) -> Json:
    return {
        "action": action,
        "channel": ref("channels", "signaling"),
        "summary": f"{said}.",
        "messages": of_channel("signaling", messages),
    }


def _asked(namespace: str, command: type[commands.ClientCommand]) -> Json:
    action = get_args(command.model_fields["action"].annotation)[0]
    examples: list[Any] = [{"namespace": namespace, "payload": payload} for payload in ASKED[command]]
    return _message(namespace, action, command, examples)


def _told(message: type[events.ServerMessage]) -> Json:
    name = message.model_fields.get("message") or message.model_fields["action"]
    examples = [json.loads(enveloped(example, NOW)) for example in TOLD[message]]
    made = _message(message.namespace, get_args(name.annotation)[0], message, examples)
    made["payload"]["properties"]["timestamp"] = {
        "type": "string",
        "format": "date-time",
        "description": "RFC 3339, UTC.",
    }
    made["payload"]["required"].append("timestamp")
    return made


def _message(namespace: str, name: str, model: type[events.Part | commands.ClientCommand], examples: list[Any]) -> Json:
    envelope = {
        "type": "object",
        "properties": {
            "namespace": {"type": "string", "const": namespace},
            "payload": ref("components", "schemas", model.__name__),
        },
        "required": ["namespace", "payload"],
    }
    return {
        "name": f"{namespace}.{name}",
        "title": model.__name__,
        "summary": summary(model),
        "payload": envelope,
        "examples": [{"payload": example} for example in examples],
    }


def _with_codes(schemas: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the errors' schemas with every code and what it means."""
    for namespace, error in (("control", events.ControlError), ("recording", events.RecordingError)):
        codes = [{"const": code, "description": meaning} for code, meaning in events.ERRORS[namespace].items()]
        schema = schemas[error.__name__]
        properties = schema["properties"] | {"error": {"type": "string", "oneOf": codes}}
        yield error.__name__, schema | {"properties": properties}


if __name__ == "__main__":
    write("signaling", signaling_document())
