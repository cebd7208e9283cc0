"""What people may come up with: commands, nearly commands, and anything at all, in any order."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

from hypothesis import strategies as st

#: Each is a connection; the last two are of the same participant.
SEATS = ("mona", "alice", "bob", "bob")


@dataclass(frozen=True, slots=True)
class Say:
    """By a connection that is opened, and joins, if there is none."""

    seat: int
    data: str | bytes


@dataclass(frozen=True, slots=True)
class Enter:
    """Come in anew; a connection that was there stays behind, and is not closed."""

    seat: int
    joins: bool


@dataclass(frozen=True, slots=True)
class HangUp:
    seat: int
    how: Literal["close", "abort"]


Step = Say | Enter | HangUp

_text = st.text(st.characters(), max_size=8)
_anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_text, inner, max_size=3),
    max_leaves=6,
)
_ids = st.sampled_from([*SEATS, "nobody", "", "../x", "00000000-0000-0000-0000-000000000000"])

_FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "display_name": st.sampled_from(["Ann", "x" * 101, "", "\u202e", " a  b "]) | _text,
    "target": _ids,
    "recording_id": _ids,
    "consent": st.booleans(),
    "text_version": st.sampled_from(["v1", "", "x" * 65, "\x00"]),
    "target_ids": st.just([]) | st.lists(_ids, max_size=2),
}
_COMMANDS: dict[str, dict[str, tuple[str, ...]]] = {
    "control": {
        "join": ("display_name",),
        "enter_room": (),
        "raise_hand": (),
        "lower_hand": (),
        "grant_moderator_role": ("target",),
        "revoke_moderator_role": ("target",),
    },
    "recording": {
        "start": (),
        "stop": ("recording_id",),
        "set_consent": ("consent", "text_version"),
        "start_stream": ("target_ids",),
        "pause_stream": ("target_ids",),
        "stop_stream": ("target_ids",),
    },
    "echo": {"ping": ()},
}
_ALL = [(namespace, action) for namespace, actions in _COMMANDS.items() for action in actions]


@st.composite
def _commands(draw: st.DrawFn) -> str:
    """A command as it should be."""
    namespace, action = draw(st.sampled_from(_ALL))
    fields = {name: draw(_FIELDS[name]) for name in _COMMANDS[namespace][action]}
    return json.dumps({"namespace": namespace, "payload": {"action": action, **fields}})


@st.composite
def _nearly(draw: st.DrawFn) -> str:
    """A command with something that is missing, wrong or too much."""
    envelope = json.loads(draw(_commands()))
    where = draw(st.sampled_from([envelope, envelope["payload"]]))
    key = draw(st.sampled_from(sorted(where)) | _text)
    if draw(st.booleans()):
        where.pop(key, None)
    else:
        where[key] = draw(_anything)
    return json.dumps(envelope)


_data = st.one_of(
    _commands(),
    _commands(),
    _commands(),
    _commands().map(str.encode),
    _nearly(),
    _nearly(),
    _anything.map(json.dumps),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    st.binary(max_size=20),
)
_seats = st.integers(0, len(SEATS) - 1)

steps: st.SearchStrategy[list[Step]] = st.lists(
    st.one_of(
        *[st.builds(Say, _seats, _data)] * 8,
        st.builds(Enter, _seats, st.booleans()),
        st.builds(HangUp, _seats, st.sampled_from(["close", "abort"])),
    ),
    min_size=10,
    max_size=40,
)
