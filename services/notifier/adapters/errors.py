"""Why a target was not posted to, or nothing is known of its answer.

TargetError
├── TargetUrlError           its URL cannot be posted to
├── TargetAddressError       it has an address that is not public
├── TargetUnreachableError   no connection to it
├── TargetSilentError        no answer in time
└── TargetAnswerError        an answer that is no HTTP, or that was cut off

Messages end up in the log, and before whoever made the room. They tell nothing of what the target answered, nor of
which addresses names have within our network.
"""

from __future__ import annotations


class TargetError(Exception):
    """The target was not posted to, or nothing is known of its answer."""


class TargetUrlError(TargetError):
    def __init__(self, url: str) -> None:
        super().__init__(
            "the target's URL is none that can be posted to: it begins with http:// or https:// and a host"
        )
        self.url = url


class TargetAddressError(TargetError):
    def __init__(self, host: str) -> None:
        super().__init__(
            f"{host} has an address that is not public: ONRECORD_WEBHOOK_NETWORKS names those that may be posted to"
        )
        self.host = host


class TargetUnreachableError(TargetError):
    def __init__(self, host: str, reason: str) -> None:
        super().__init__(f"no connection to {host}: {reason}")
        self.host = host
        self.reason = reason


class TargetSilentError(TargetError):
    def __init__(self, seconds: float) -> None:
        super().__init__(f"no answer within {seconds:g} s")
        self.seconds = seconds


class TargetAnswerError(TargetError):
    def __init__(self) -> None:
        super().__init__("the connection ended before a whole answer, or what came is no HTTP")
