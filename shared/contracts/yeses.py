"""Whose yes holds in a session, as its events tell, whatever order the log has them in.

Pure. Where the room does not keep consent, a yes ends by itself: when its participant leaves and when the recording
stops. The consent service writes that down (`consent.cleared`) a little later; whoever folds this knows it from the
causes. Streams come into the log beside one another, so a yes that ended is told from one that was said again since by
their moments alone. The same rule stands in two more places: in the consent service's process manager, `clearing`, and
in the recorder's `gates`, which tell it of any moment.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType

from shared.contracts.consent import ConsentAttested, ConsentCleared, ConsentGiven, ConsentRefused, ConsentWithdrawn
from shared.contracts.message import Event
from shared.contracts.recording import RecordingStopped
from shared.contracts.room import ConsentPolicy, ParticipantLeft

Moments = Mapping[str, datetime]


def _none() -> Moments:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Yeses:
    """The newest yes of each participant, and what ended those that are not newer."""

    #: Whether a yes ends by itself: the room's policy is `clear`.
    clears: bool = True
    said: Moments = field(default_factory=_none)
    #: When everybody's yes ended for the last time, and when that of each did.
    ended_at: datetime | None = None
    ended: Moments = field(default_factory=_none)

    @classmethod
    def under(cls, policy: ConsentPolicy) -> Yeses:
        """Return a session's, before anybody said anything."""
        return cls(clears=policy == "clear")

    @property
    def holding(self) -> frozenset[str]:
        return frozenset(who for who in self.said if self.holds(who))

    def holds(self, who: str) -> bool:
        """Tell whether the participant consents."""
        at = self.said.get(who)
        causes = (self.ended_at, self.ended.get(who))
        return at is not None and all(cause is None or at > cause for cause in causes)

    def after(self, event: Event) -> Yeses:
        """Take the next event of the log."""
        match event:
            case ConsentGiven() | ConsentAttested():
                return replace(self, said=_with_newest(self.said, event.participant_id, event.at))
            case ConsentRefused() | ConsentWithdrawn():
                # A no undoes every yes that the log had before it, whatever their moments.
                return replace(self, said=_without(self.said, event.participant_id))
            case ConsentCleared():
                return self._lapse(event.participant_id, event.at)
            case ParticipantLeft() if self.clears:
                return self._lapse(event.participant_id, event.at)
            case RecordingStopped() if self.clears:
                return replace(self, ended_at=max(self.ended_at or event.at, event.at))
            case _:
                return self

    def _lapse(self, who: str, at: datetime) -> Yeses:
        """Let a participant's yes end if it was not said after that moment."""
        return replace(self, ended=_with_newest(self.ended, who, at))


def _with_newest(moments: Moments, who: str, at: datetime) -> Moments:
    return MappingProxyType({**moments, who: max(moments.get(who, at), at)})


def _without(moments: Moments, who: str) -> Moments:
    return MappingProxyType({other: at for other, at in moments.items() if other != who})
