"""Tickets that are used twice, guessed or bent, and tokens for something else."""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
import string
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt
import pytest

from tests.e2e.hostile.raw import dialled, handshake
from tests.e2e.signaling.client import Site
from tests.e2e.signaling.room import Room

pytestmark = pytest.mark.asyncio(loop_scope="session")

_LETTERS = string.ascii_letters + string.digits
_GUESSES = 1000
_AT_ONCE = 50


async def answer(site: Site, ticket: str) -> int:
    """Return the status that a ticket is answered with."""
    async with dialled(site.signaling()) as connection:
        await connection.write(handshake(ticket))
        return int((await connection.head()).split()[1])


async def bought(room: Room, name: str = "eve", **claims: Any) -> str:
    return str((await room.site.ticket(room.room_id, room.site.token(name, **claims)))["ticket"])


def _flipped(ticket: str, place: int) -> str:
    return ticket[:place] + ("b" if ticket[place] == "a" else "a") + ticket[place + 1 :]


# ----------------------------------------------------------------------------------------------------------- tickets


async def test_a_ticket_is_good_once(room: Room) -> None:
    ticket = await bought(room)
    assert [await answer(room.site, ticket) for _ in range(3)] == [101, 401, 401]


async def test_of_many_who_use_a_ticket_at_once_one_gets_in(room: Room) -> None:
    ticket = await bought(room)
    answers = await asyncio.gather(*(answer(room.site, ticket) for _ in range(20)))
    assert sorted(answers) == [101] + [401] * 19


async def test_a_thousand_guesses_are_wrong(room: Room) -> None:
    ticket = await bought(room)
    guesses = ["".join(secrets.choice(_LETTERS) for _ in range(64)) for _ in range(_GUESSES - 64)]
    guesses += [_flipped(ticket, place) for place in range(64)]
    answers: set[int] = set()
    for begin in range(0, _GUESSES, _AT_ONCE):
        batch = guesses[begin : begin + _AT_ONCE]
        answers |= set(await asyncio.gather(*(answer(room.site, guess) for guess in batch)))
    assert answers == {401}
    assert await answer(room.site, ticket) == 101


async def test_a_ticket_that_was_bent_is_invalid_and_the_true_one_stays_good(room: Room) -> None:
    ticket = await bought(room)
    bent = [
        "",
        ticket[:-1],
        ticket + "a",
        ticket * 100,
        ticket + "#",
        "#" + ticket,
        f"{ticket}#{ticket}",
        ticket[:-1] + "#",
        "#" * 64,
        ticket.swapcase(),
        f"{room.room_id}#{ticket}"[:64],
        "*" * 64,
    ]
    assert [await answer(room.site, each) for each in bent] == [401] * len(bent)
    assert await answer(room.site, ticket) == 101


async def test_of_two_tickets_in_one_handshake_the_first_counts(room: Room) -> None:
    first, second = await bought(room, "eve"), await bought(room, "mallory")
    assert await answer(room.site, f"{first}, ticket#{second}") == 101
    assert await answer(room.site, first) == 401
    assert await answer(room.site, second) == 101


async def test_a_resumption_is_no_ticket(room: Room) -> None:
    given = await room.site.ticket(room.room_id, room.site.token("eve"))
    assert await answer(room.site, given["resumption"]) == 401


# ------------------------------------------------------------------------------------------------------------ tokens


def _claims(site: Site, **more: Any) -> dict[str, Any]:
    return jwt.decode(site.token("eve", **more), options={"verify_signature": False})


def _unsigned(claims: dict[str, Any]) -> str:
    parts = ({"alg": "none", "typ": "JWT"}, claims)
    return ".".join(base64.urlsafe_b64encode(json.dumps(each).encode()).decode().rstrip("=") for each in parts) + "."


async def test_tokens_that_are_not_ours_or_not_good_any_more_are_unauthorized(room: Room) -> None:
    site = room.site
    past = datetime.now(UTC) - timedelta(seconds=5)
    good = site.token("eve")
    head, body, signature = good.split(".")
    for token in (
        "",
        "x",
        "..",
        "a.b.c",
        site.token("eve", exp=past),
        site.token("eve", nbf=datetime.now(UTC) + timedelta(hours=1)),
        site.token("eve", apikey="another"),
        jwt.encode(_claims(site), "another secret, which is as long as ours or longer", "HS256"),
        jwt.encode(_claims(site), site.api_secret.encode() * 2, "HS512"),
        _unsigned(_claims(site)),
        f"{head}.{body}.",
        f"{head}.{body}.{signature[::-1]}",
        f"{head}.{body[:-4]}.{signature}",
        good + "x" * 5000,
        site.token("../eve"),
        site.token("e" * 129),
        site.token("eve\x00"),
        site.token("eve", participantId=["eve"]),
        site.token("eve", participantId={"$ne": 1}),
        site.token("eve", roomId=7),
    ):
        refused = await site.post(f"/v1/rooms/{room.room_id}/start", {}, token or None)
        assert (refused.status_code, refused.json()["code"]) == (401, "unauthorized"), token


async def test_a_token_for_another_room_or_for_another_interface_is_forbidden(room: Room) -> None:
    site = room.site
    elsewhere = await site.create_room()
    for token in (
        site.token("eve", roomId=elsewhere),
        site.token("eve", roomId=room.room_id.upper()),
        site.token("eve", roles=["crawler"]),
    ):
        refused = await site.post(f"/v1/rooms/{room.room_id}/start", {}, token)
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden"), token
    assert (await site.post(f"/v1/rooms/{elsewhere}/start", {}, site.token("eve", roomId=elsewhere))).is_success


async def test_rooms_that_cannot_be_are_not_found_or_refused(room: Room) -> None:
    token = room.site.token("eve")
    for name in ("nowhere", "..", "%2e%2e%2f%2e%2e", "a" * 5000, "%00", "%ff", "'; --", "*", "%F0%9F%98%80"):
        answered = await room.site.post(f"/v1/rooms/{name}/start", {}, token)
        assert answered.status_code in {400, 404, 414, 422}, (name, answered.status_code)


async def test_bodies_that_are_no_request_are_refused(room: Room) -> None:
    url, token = f"{room.site.urls[0]}/v1/rooms/{room.room_id}/start", room.site.token("eve")
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    bodies = [
        b"{",
        b"[]",
        b"\xff",
        b"[" * 100_000,
        b'{"resumption": "\\ud800"}',
        b'{"resumption": 7}',
        b'{"breakout_room": ' + b'"' + b"x" * 5000 + b'"}',
        b'{"breakout_room": NaN}',
    ]
    async with httpx.AsyncClient(timeout=10) as http:
        for body in bodies:
            answered = await http.post(url, content=body, headers=headers)
            assert answered.status_code in {400, 413, 422}, (body[:40], answered.status_code)
            assert answered.json()["code"], answered.text
