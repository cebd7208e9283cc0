"""What a user asks of a replay. Raises SettingError with a sentence for what cannot be."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pydantic import TypeAdapter, ValidationError

from services.audit.reading import Point
from services.audit.replay import Request
from services.audit.selection import Wanted
from shared.contracts.identifiers import ParticipantId, RecordingId, RoomId, SessionId
from shared.runtime.errors import SettingError

_IDENTIFIERS: dict[str, TypeAdapter[str]] = {
    "room": TypeAdapter(RoomId),
    "session": TypeAdapter(SessionId),
    "participant": TypeAdapter(ParticipantId),
    "recording": TypeAdapter(RecordingId),
}


def request(since: str | None, until: str | None, wanted: Wanted, *, diff: bool) -> Request:
    """Return what is asked for. Raises SettingError where it contradicts itself."""
    for name, identifier in wanted.given.items():
        _check_identifier(name, identifier)
    if diff and since is None:
        raise SettingError("--diff", "compares two moments: say since when, with --since")
    begin, end = _point("--since", since) if since is not None else None, _point("--until", until)
    if begin is not None and not _is_before(begin, end):
        raise SettingError("--since", f"is {since}, which is not before --until {until}")
    return Request(end, begin, wanted)


def _point(option: str, text: str | None) -> Point:
    if text is None:
        return Point()
    if text.isdecimal():
        return Point(position=int(text))
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise SettingError(option, f"is {text!r}: give a position or a time like 2030-01-31T12:00:00Z") from None
    return Point(moment=moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _is_before(begin: Point, end: Point) -> bool:
    """Tell whether something may lie between. A position and a time are compared by the log alone."""
    each: tuple[tuple[Any, Any], ...] = ((begin.position, end.position), (begin.moment, end.moment))
    return all(first is None or last is None or first < last for first, last in each)


def _check_identifier(name: str, identifier: str) -> None:
    try:
        _IDENTIFIERS[name].validate_python(identifier)
    except ValidationError:
        raise SettingError(f"--{name}", f"is {identifier!r}, and no {name} has such an id") from None
