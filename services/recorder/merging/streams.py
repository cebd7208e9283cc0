"""The streams of merges: what servers ask for, and what workers say."""

from __future__ import annotations

from collections.abc import Mapping

from services.recorder.domain.merge import MERGE, MergeCommand
from services.recorder.domain.merge_life import MergeHappened, Merges
from shared.contracts.merge import CancelMerge, StartMerge, merge_stream
from shared.contracts.message import Command
from shared.eventsourcing.codec import Context
from shared.eventsourcing.command_handler import CommandHandler, Decided
from shared.eventsourcing.recent_states import RecentStates
from shared.eventsourcing.store import EventStore
from shared.messaging.answering import CommandAnswerer
from shared.messaging.message import ACCEPTED, Message

#: Whoever makes a merge says so every few seconds: its stream shall not be read anew each time.
_REMEMBERED = 100


class MergeStreams:
    """The merges, and what is decided on them."""

    def __init__(self, store: EventStore) -> None:
        recent: RecentStates[Merges] = RecentStates(_REMEMBERED)
        self._streams: CommandHandler[Merges, MergeCommand, MergeHappened] = CommandHandler(store, MERGE, recent=recent)

    async def give(self, command: MergeCommand, context: Context) -> Decided[Merges, MergeHappened]:
        """Decide the command and return what it led to. Raises RefusedError."""
        return await self._streams.handle(merge_stream(command.set_id), command, context)

    def answerers(self) -> Mapping[type[Command], CommandAnswerer]:
        """Return what answers the commands about merges that come over the bus, perhaps more than once."""
        return {StartMerge: self._ask, CancelMerge: self._ask}

    async def _ask(self, command: StartMerge | CancelMerge, context: Context) -> Message:
        await self._streams.handle_once(merge_stream(command.set_id), command, context)
        return ACCEPTED
