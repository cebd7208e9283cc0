"""What must be in the log, and what was found there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from shared.eventsourcing.event import AppendRequest, StoredEvent


@dataclass(slots=True)
class Account:
    """How many events a stream has, and all their ids in one number: ten million of them would not fit into memory."""

    events: int = 0
    ids: int = 0

    def add(self, event_id: int, events: int = 1) -> None:
        self.events += events
        self.ids ^= event_id


@dataclass(slots=True)
class Ledger:
    """What was appended for certain, and what became of the rest."""

    streams: dict[str, Account] = field(default_factory=dict)
    appends: int = 0
    #: Transactions that were rolled back, and those whose session was ended before they could commit.
    aborted: int = 0
    cut_off: int = 0
    #: Appends whose answer was lost, and those that were refused as somebody else was faster.
    unanswered: int = 0
    conflicts: int = 0

    def add(self, request: AppendRequest) -> None:
        account = self.streams.setdefault(request.stream, Account())
        for event in request.events:
            account.add(event.id.int)
        self.appends += 1

    @property
    def events(self) -> int:
        return sum(account.events for account in self.streams.values())


def merged(ledgers: Iterable[Ledger]) -> Ledger:
    """Return what several appenders did together."""
    total = Ledger()
    for ledger in ledgers:
        for name in ("appends", "aborted", "cut_off", "unanswered", "conflicts"):
            setattr(total, name, getattr(total, name) + getattr(ledger, name))
        for stream, account in ledger.streams.items():
            total.streams.setdefault(stream, Account()).add(account.ids, account.events)
    return total


@dataclass(slots=True)
class Reading:
    """What one reader has seen of the log, page by page."""

    position: int = 0
    streams: dict[str, Account] = field(default_factory=dict)
    #: Events that came again, or after a later one of their stream.
    doubled: int = 0
    #: Events whose place in the log, or in their stream, did not follow the one before.
    out_of_place: int = 0

    def take(self, page: Sequence[StoredEvent]) -> None:
        for event in page:
            self.out_of_place += event.global_position != self.position + 1
            self.position = event.global_position or 0
            self._take(event)

    def _take(self, event: StoredEvent) -> None:
        account = self.streams.setdefault(event.stream, Account())
        if event.position <= account.events:
            self.doubled += 1
            return
        self.out_of_place += event.position != account.events + 1
        account.add(event.id.int)

    @property
    def events(self) -> int:
        return sum(account.events for account in self.streams.values())

    def skipped(self, ledger: Ledger) -> int:
        """How many events were appended that this reader has not read."""
        nothing = Account()
        pairs = ((account, self.streams.get(stream, nothing)) for stream, account in ledger.streams.items())
        return sum(max(0, due.events - found.events) for due, found in pairs)

    def wrong_streams(self, ledger: Ledger) -> int:
        """In how many streams something else was read than was appended."""
        return sum(
            self.streams.get(stream) != ledger.streams.get(stream) for stream in {*self.streams, *ledger.streams}
        )
