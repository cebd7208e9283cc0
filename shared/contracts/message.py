"""The two shapes of a contract: an event that happened and a command that asks."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from shared.contracts.identifiers import Moment


def added(default: object) -> Any:
    """Return what a field is that events did not have at first: where it says no more than they did, it is left out.

    So what was stored before it is still written as the same bytes.
    """
    return Field(default=default, exclude_if=lambda value: value == default)


class Contract(BaseModel):
    """An immutable message. Fields of a newer version that we do not know yet are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Event(Contract):
    """Something that happened and is in the log. It can no longer be refused."""

    #: Wire type with version, for instance `recording.started.v1`; also the routing key.
    type: ClassVar[str]

    #: When it took effect, which may be before it was written.
    at: Moment

    @property
    def stream(self) -> str:
        """The event stream it belongs to."""
        raise NotImplementedError

    def encode(self) -> bytes:
        """Return the bytes that are stored, hashed and published."""
        return self.model_dump_json(exclude_none=True).encode()


class Command(Contract):
    """Something that is asked of the one service that owns the stream."""

    type: ClassVar[str]
    #: The service that decides it.
    owner: ClassVar[str]
    #: Whether it lapses when nobody decides it while it is waited for: whoever asked was told that it failed.
    lapses: ClassVar[bool] = False

    at: Moment

    @property
    def addressee(self) -> str:
        """Who is to decide it: any replica of its owner, or one of them."""
        return self.owner
