"""Whose yes holds in a session, whatever order the log has it in: streams come into it beside one another.

Pure. A yes that ended by itself is told from one that was said again since by their moments alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType

Moments = Mapping[str, datetime]


def _none() -> Moments:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Yeses:
    """The newest yes of each participant, and what ended those that are not newer."""

    said: Moments = field(default_factory=_none)
    #: When everybody's yes ended for the last time, and when that of each did.
    ended_at: datetime | None = None
    ended: Moments = field(default_factory=_none)

    @property
    def holding(self) -> frozenset[str]:
        return frozenset(who for who, at in self.said.items() if self._holds(who, at))

    def yes(self, who: str, at: datetime) -> Yeses:
        return replace(self, said=_with_newest(self.said, who, at))

    def no(self, who: str) -> Yeses:
        """Take a no, which undoes every yes that the log had before it."""
        return replace(self, said=MappingProxyType({other: at for other, at in self.said.items() if other != who}))

    def lapse(self, who: str, at: datetime) -> Yeses:
        """Let a participant's yes end if it was not said after that moment."""
        return replace(self, ended=_with_newest(self.ended, who, at))

    def lapse_all(self, at: datetime) -> Yeses:
        """Let every yes end that was not said after that moment."""
        return replace(self, ended_at=max(self.ended_at or at, at))

    def _holds(self, who: str, at: datetime) -> bool:
        causes = (self.ended_at, self.ended.get(who))
        return all(cause is None or at > cause for cause in causes)


def _with_newest(moments: Moments, who: str, at: datetime) -> Moments:
    return MappingProxyType({**moments, who: max(moments.get(who, at), at)})
