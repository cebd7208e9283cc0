"""The envelope of the signaling protocol, and the sub-protocols that a connection is opened with.

`{"namespace", "payload": {"action"}}` comes in, `{"namespace", "timestamp", "payload": {"message"}}` goes out.
"""

from __future__ import annotations

import json
import unicodedata
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from services.gateway.signaling.commands import COMMANDS, Command, Ping
from services.gateway.signaling.events import Pong, ServerMessage

PROTOCOLS = ("opentalk-signaling-json-v1.0", "k3k-signaling-json-v1.0")
TICKET_PREFIX = "ticket#"

_LONGEST_NAME = 100
#: What turns the direction of the text around it (Unicode Standard Annex 9): a name could pass for another.
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class ProtocolError(Exception):
    """The client sent something that has no meaning here. `code` is what it is told, in `namespace`."""

    def __init__(self, code: str, namespace: str = "control") -> None:
        super().__init__(f"{namespace}: {code}")
        self.code = code
        self.namespace = namespace


def select_protocol(offered: list[str]) -> str | None:
    """Return the protocol to answer with: the first that is offered and known."""
    return next((name for name in offered if name in PROTOCOLS), None)


def find_ticket(offered: list[str]) -> str | None:
    """Return the ticket among the offered protocols. It may hold further `#` signs."""
    items = (name.removeprefix(TICKET_PREFIX) for name in offered if name.startswith(TICKET_PREFIX))
    return next(items, None)


def parse(text: str | bytes, *, joined: bool) -> Command:
    """Return what the client asks. Raises ProtocolError.

    Until the client has joined, only `control` and `echo` mean anything.
    """
    namespace, payload = _opened(text)
    if not joined and namespace not in {"control", "echo"}:
        raise ProtocolError("not_yet_joined")
    if namespace not in COMMANDS:
        raise ProtocolError("invalid_namespace")
    try:
        command: Command = COMMANDS[namespace].validate_python(payload)
    except ValidationError:
        raise ProtocolError("invalid_json", namespace) from None
    return command


def _opened(text: str | bytes) -> tuple[str, Any]:
    try:
        envelope = json.loads(text, parse_constant=_no_json)
        namespace, payload = envelope["namespace"], envelope["payload"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise ProtocolError("invalid_json") from None
    if not isinstance(namespace, str):
        raise ProtocolError("invalid_json")
    return namespace, payload


def _no_json(constant: str) -> object:
    """Refuse NaN and Infinity, which Python reads and JSON does not have (RFC 8259 section 6)."""
    raise ValueError(constant)


def display_name(asked: str) -> str:
    """Return the name with its white space collapsed. Raises ProtocolError with `invalid_username`."""
    name = " ".join(asked.split())
    if len(name) > _LONGEST_NAME or any(map(_unfit, name)) or not any(map(_is_seen, name)):
        raise ProtocolError("invalid_username")
    return name


def _unfit(character: str) -> bool:
    return unicodedata.category(character) in {"Cc", "Cs"} or character in _TURNING


def _is_seen(character: str) -> bool:
    """Tell whether it takes room by itself: a name of nothing but zero-width spaces or accents is none."""
    return unicodedata.category(character) not in {"Cf", "Mn", "Me", "Zs", "Zl", "Zp"}


def enveloped(message: ServerMessage, now: datetime) -> str:
    """Return the message as it is sent, with the time (RFC 3339, UTC)."""
    return _enveloped(message.namespace, message.model_dump_json(), now)


def echoed(ping: Ping, now: datetime) -> str:
    """Return the answer to a ping as it is sent."""
    return _enveloped(Pong.namespace, ping.answer, now)


def _enveloped(namespace: str, payload: str, now: datetime) -> str:
    timestamp = now.isoformat().replace("+00:00", "Z")
    return f'{{"namespace":"{namespace}","timestamp":"{timestamp}","payload":{payload}}}'
