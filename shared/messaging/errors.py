"""What can go wrong on the bus.

BusError
├── BusUnavailableError    the broker does not answer
├── NoAnswerError          the owner of a command did not answer in time
└── MalformedMessageError  a message that is not what its type promises
"""

from __future__ import annotations


class BusError(Exception):
    """Something is wrong with the bus."""


class BusUnavailableError(BusError):
    """The broker does not answer."""

    def __init__(self, reason: str, confirmed: int = 0) -> None:
        super().__init__(f"the message broker does not answer ({reason}): check ONRECORD_AMQP_URL and the broker")
        self.reason = reason
        #: How many of the messages that were to be published, from the first on, the broker has safe all the same.
        self.confirmed = confirmed


class NoAnswerError(BusError):
    """The owner of a command did not answer in time. The command may still be decided."""

    def __init__(self, owner: str, command: str, seconds: float) -> None:
        super().__init__(f"the {owner} service did not answer {command} within {seconds:g} s: is it running?")
        self.owner = owner
        self.command = command
        self.seconds = seconds


class MalformedMessageError(BusError):
    """A message that nobody can handle, now or later."""

    def __init__(self, message_type: str, reason: str) -> None:
        super().__init__(f"message of type {message_type} cannot be read: {reason}")
        self.message_type = message_type
        self.reason = reason
