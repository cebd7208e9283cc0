"""People who mind their own business, and whether they notice what somebody else does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.e2e.signaling.client import Client, covers
from tests.e2e.signaling.room import Room


class Couple:
    """Two in one room: one sets their consent, the other is told of it, and both ask whether their connection lives."""

    def __init__(self, speaker: Client, witness: Client) -> None:
        self.speaker, self.witness = speaker, witness
        self._consents = False

    @classmethod
    async def enter(cls, room: Room) -> Couple:
        return cls(await room.enter("speaker"), await room.enter("witness"))

    async def go_on(self) -> None:
        """Do it again and again, until cancelled."""
        while True:
            await self.once()
            await asyncio.sleep(0.05)  # they are no flood themselves

    async def once(self) -> None:
        for each in (self.speaker, self.witness):
            await each.echo()
        self._consents = not self._consents
        since = len(self.witness.heard)
        await self.speaker.send("recording", action="set_consent", consent=self._consents)
        wanted = {"message": "update", "id": "speaker", "recording": {"consents_recording": self._consents}}
        self.witness.drop(await self.witness.find(lambda told: covers(wanted, told.payload), f"{wanted}", since))


@asynccontextmanager
async def undisturbed(*rooms: Room) -> AsyncIterator[None]:
    """Have a couple in each room go on all the while, and assert that each answer came."""
    couples = [await Couple.enter(room) for room in rooms]
    going_on = [asyncio.create_task(each.go_on()) for each in couples]
    try:
        yield
    finally:
        for task in going_on:
            task.cancel()
        ended = await asyncio.gather(*going_on, return_exceptions=True)
    assert all(isinstance(each, asyncio.CancelledError) for each in ended), ended
    for each in couples:
        await each.once()
