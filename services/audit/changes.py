"""What changed between two moments: stream by stream, field by field."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from services.audit.replay import Replayed, plain


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A field's two values, as JSON holds them. None: it was not there, or was empty."""

    field: str
    old: Any
    new: Any


@dataclass(frozen=True, slots=True)
class StreamChange:
    category: str
    stream: str
    #: Whether the stream began in between.
    appeared: bool
    fields: tuple[FieldChange, ...]


def changes(replayed: Replayed) -> list[StreamChange]:
    """Return what changed since, of each stream whose state is another one; one that began is there even if empty."""
    return [
        changed
        for category, states in replayed.states.items()
        for stream, state in sorted(states.items())
        if (changed := _change(category, stream, replayed.before[category].get(stream), state))
    ]


def _change(category: str, stream: str, before: Any, after: Any) -> StreamChange | None:
    if before == after:
        return None
    old, new = dict(_flat(plain(before))) if before is not None else {}, dict(_flat(plain(after)))
    names = [*new, *(name for name in old if name not in new)]
    each = [FieldChange(name, old.get(name), new.get(name)) for name in names]
    return StreamChange(category, stream, before is None, tuple(one for one in each if one.old != one.new))


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every field with its path, for instance `participants.alice.role`."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _flat(item, f"{path}.{name}" if path else name)
    else:
        yield path, value
