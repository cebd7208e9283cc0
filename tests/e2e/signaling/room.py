"""The people of one room, over all gateways, and the moment at which all of them have been told everything."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import AsyncExitStack
from typing import Any
from uuid import uuid4

from tests.e2e.signaling.client import TIMESTAMP, Client, Heard, Payload, Site, covers, refused

_CONTROL = {
    "display_name", "role", "participation_kind", "hand_is_up", "joined_at", "left_at", "hand_updated_at",
}  # fmt: skip


#: What `join_success` says of the recording where none is running or starting.
IDLE = {"targets", "withdrawal_policy", "consent_policy", "consents_recording"}


class Room:
    """A room, and who is connected to it."""

    def __init__(self, site: Site, room_id: str, stack: AsyncExitStack, breakout_room: str | None = None) -> None:
        self.site = site
        #: The room that tickets are bought of; for a breakout room, its parent.
        self.room_id = room_id
        self.breakout_room = breakout_room
        self.people: list[Client] = []
        self._stack = stack

    async def enter(self, name: str, role: str = "user", at: int = 0) -> Client:
        """Let somebody in by a token that says who they are; others know them by their name."""
        client = await self.connect(self.site.token(name, role), at, name)
        await client.join(name)
        return client

    async def connect(self, token: str, at: int = 0, name: str = "somebody", **body: Any) -> Client:
        """Connect somebody who has yet to join."""
        if self.breakout_room:
            body["breakout_room"] = self.breakout_room
        bought = await self.site.ticket(self.room_id, token, at, **body)
        return await self.admit(bought["ticket"], at, name)

    async def admit(self, ticket: str, at: int = 0, name: str = "somebody") -> Client:
        client = await self._stack.enter_async_context(self.site.connected(ticket, at, name))
        self.people.append(client)
        return client

    async def settle(self) -> None:
        """Return when everybody has been told everything that was done; this itself leaves nothing in `heard`.

        Somebody moves a hand, which all others see after what was in the log before; and another does, for the first.
        """
        present = [each for each in self.people if each.is_present]
        others = [[each for each in present if each is not mover] for mover in present[:2]]
        await asyncio.gather(*map(_move_hand, present[:2], others))
        await asyncio.gather(*(each.echo() for each in present))

    async def started(self) -> None:
        """Return when everybody has been told all that there is to a start, and settle."""
        for each in self.people:
            if each.is_present:
                await each.find(lambda told: told.payload.get("status") == "active", "an active stream", since=0)
        await self.settle()

    async def quiet(self) -> None:
        """Settle, and have everybody forget what was so far."""
        await self.settle()
        self.forget()

    def forget(self) -> None:
        for each in self.people:
            each.take()

    async def another(self, **settings: Any) -> Room:
        """Make a room that has nothing to do with this one."""
        return Room(self.site, await self.site.create_room(**settings), self._stack)

    async def breakout(self, name: str = "Corner") -> Room:
        """Open a breakout room."""
        path = f"/v1/rooms/{self.room_id}/breakout_rooms"
        answer = await self.site.post(path, {"name": name}, self.site.server_token())
        assert answer.is_success, answer.text
        return Room(self.site, self.room_id, self._stack, answer.json()["breakout_room"])


async def _move_hand(mover: Client, others: list[Client]) -> None:
    # Raised, and lowered again, so that it is where it was for whoever looks afterwards.
    for action, up in (("raise_hand", True), ("lower_hand", False)):
        wanted = {"message": "update", "id": mover.id, "control": {"hand_is_up": up}}
        watching = [asyncio.create_task(forget(each, wanted, tuple(each.heard))) for each in others]
        await mover.send("control", action=action)
        await asyncio.gather(*watching)


async def forget(client: Client, wanted: Payload, but: tuple[Heard, ...] = ()) -> None:
    """Wait for a message that is none of those, and forget it."""
    known = set(map(id, but))
    found = await client.find(lambda told: id(told) not in known and covers(wanted, told.payload), f"{wanted}", since=0)
    client.drop(found)


async def three(room: Room) -> tuple[Client, Client, Client]:
    """Let in Mona, who moderates, and Bob; and Alice at the other gateway. They have forgotten each other's coming."""
    people = await room.enter("mona", "moderator"), await room.enter("bob"), await room.enter("alice", at=1)
    await room.quiet()
    return people


async def start(moderator: Client) -> str:
    """Start a recording; return its id."""
    await moderator.send("recording", action="start")
    return str((await moderator.expect("recording", "started"))["recording_id"])


async def stop(moderator: Client, recording_id: str) -> None:
    await moderator.send("recording", action="stop", recording_id=recording_id)
    await moderator.expect("recording", "stopped", recording_id=recording_id)


async def consent(client: Client, *, seen_by: Iterable[Client], consents: bool = True, **more: Any) -> None:
    """Set a consent and wait until these are told."""
    await client.send("recording", action="set_consent", consent=consents, **more)
    for each in seen_by:
        await each.expect("control", "update", id=client.id, recording={"consents_recording": consents})


async def answered(client: Client) -> None:
    """Return when the recording commands that were sent before have been dealt with; leaves nothing in `heard`.

    Commands of one connection are taken in their order, and this one is always refused.
    """
    since = len(client.heard)
    await client.send("recording", action="stop", recording_id=str(uuid4()))
    refusals = [refused("invalid_recording_id"), refused("insufficient_permissions")]
    client.drop(await client.find(lambda told: told in refusals, "a refusal", since))


def peer(welcome: Payload, participant_id: str) -> Payload:
    """Return the one with that id among the participants of a `join_success`."""
    found: Payload = next(each for each in welcome["participants"] if each["id"] == participant_id)
    return found


def target_of(welcome: Payload) -> tuple[str, Payload]:
    """Return the id of the room's one streaming target, and the target."""
    [(target_id, target)] = welcome["recording"]["targets"].items()
    return target_id, target


def updates(heard: Iterable[Heard]) -> list[Payload]:
    return [payload for namespace, payload in heard if namespace == "control" and payload["message"] == "update"]


def assert_peer(view: Payload, participant_id: str, role: str, kind: str) -> None:
    assert view.keys() == {"id", "control", "recording"}
    assert view["id"] == participant_id
    assert view["recording"] == {"consents_recording": False}
    control: dict[str, Any] = view["control"]
    assert control.keys() == _CONTROL
    assert control["display_name"] == participant_id
    assert (control["role"], control["participation_kind"]) == (role, kind)
    assert (control["hand_is_up"], control["left_at"]) == (False, None)
    assert TIMESTAMP.fullmatch(control["joined_at"])
    assert TIMESTAMP.fullmatch(control["hand_updated_at"])
