"""The consent register: what each participant said in a session, and from when until when it holds.

A word takes effect at its moment, which may lie before that of a word which came into the log earlier: gateways are
several. In doubt it is a no, so a no undoes every yes that came into the log before it and took effect at its moment or
later. That a yes was cleared is nobody's no: it undoes nothing that was said after it. The recorder's gate and the
timeline keep the same rule.
"""

from __future__ import annotations

from bisect import insort
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

import asyncpg

from shared.contracts.consent import (
    ConsentAttested,
    ConsentCleared,
    ConsentEvent,
    ConsentGiven,
    ConsentRefused,
    ConsentSaid,
    ConsentWithdrawn,
)
from shared.contracts.message import Event
from shared.eventsourcing.event import StoredEvent
from shared.eventsourcing.projection import Projection, Told

Answer = Literal["given", "attested", "refused", "withdrawn", "cleared"]
#: Answers of somebody who consents.
_YESES = ("given", "attested")

_TABLES = """
CREATE TABLE words (
    session_id text NOT NULL,
    participant_id text NOT NULL,
    room_id text NOT NULL,
    answer text NOT NULL,
    since timestamptz NOT NULL,
    -- Where the next word takes over; null: it still holds.
    until timestamptz,
    -- The event behind it.
    global_position bigint NOT NULL,
    event_id uuid NOT NULL,
    -- Of the text that was shown to who said it, where their client named it.
    text_version text,
    PRIMARY KEY (session_id, participant_id, global_position)
);
"""

_READ = """SELECT session_id, participant_id, room_id, answer, since, global_position, event_id,
    text_version FROM words
    WHERE (session_id, participant_id) IN (SELECT * FROM unnest($1::text[], $2::text[]))"""
_REMOVE = """DELETE FROM words
    WHERE (session_id, participant_id) IN (SELECT * FROM unnest($1::text[], $2::text[]))"""
_FIELDS = (
    "session_id",
    "participant_id",
    "room_id",
    "answer",
    "since",
    "until",
    "global_position",
    "event_id",
    "text_version",
)

#: Session and participant.
_Person = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Word:
    """What somebody said, or that what they said was cleared."""

    room_id: str
    answer: Answer
    since: datetime
    global_position: int
    event_id: UUID
    text_version: str | None = None


def in_force(words: Iterable[Word]) -> list[Word]:
    """Return the words that hold, in the order of their moments, of one person's words in the order of the log."""
    kept: list[Word] = []
    for word in words:
        if word.answer in {"refused", "withdrawn"}:
            kept = [said for said in kept if said.answer not in _YESES or said.since < word.since]
        insort(kept, word, key=_order)
    return kept


def _order(word: Word) -> tuple[datetime, bool, int]:
    """Sort by moment, and a no after a yes of the same moment, because the last one counts."""
    return word.since, word.answer not in _YESES, word.global_position


async def _apply(connection: asyncpg.Connection, told: Sequence[Told]) -> None:
    """Write the words of everybody anew who said something: those in force, each until the next one."""
    said = _by_person(told)
    people = [person[0] for person in said], [person[1] for person in said]
    for session_id, participant_id, *word in await connection.fetch(_READ, *people):
        said[session_id, participant_id].append(Word(*word))
    await connection.execute(_REMOVE, *people)
    rows = [row for person, words in said.items() for row in _rows(person, words)]
    await connection.copy_records_to_table("words", records=rows, columns=_FIELDS)


def _by_person(told: Sequence[Told]) -> dict[_Person, list[Word]]:
    said: dict[_Person, list[Word]] = defaultdict(list)
    for event, stored in told:
        if isinstance(event, ConsentEvent):
            said[event.session_id, event.participant_id].append(_word(event, stored))
    return said


def _word(event: ConsentEvent, stored: StoredEvent) -> Word:
    text = event.text_version if isinstance(event, ConsentSaid) else None
    return Word(event.room_id, _ANSWERS[type(event)], event.at, stored.global_position or 0, stored.id, text)


_ANSWERS: dict[type[Event], Answer] = {
    ConsentGiven: "given",
    ConsentAttested: "attested",
    ConsentRefused: "refused",
    ConsentWithdrawn: "withdrawn",
    ConsentCleared: "cleared",
}


def _rows(person: _Person, words: list[Word]) -> Iterable[tuple[object, ...]]:
    held = in_force(sorted(words, key=lambda word: word.global_position))
    until: list[datetime | None] = [*(word.since for word in held[1:]), None]
    for word, end in zip(held, until, strict=True):
        place = word.global_position, word.event_id
        yield (*person, word.room_id, word.answer, word.since, end, *place, word.text_version)


CONSENT_REGISTER = Projection("consent_register", 3, _TABLES, tuple(_ANSWERS), _apply)
