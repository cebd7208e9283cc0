"""Why a target was not posted to, or nothing is known of its answer.

TargetError
├── TargetUrlError           its URL cannot be posted to
├── TargetNameError          its name is not known
├── TargetAddressError       it has an address that is not public
├── TargetUnreachableError   no connection to it
├── TargetSilentError        no answer in time
└── TargetAnswerError        an answer that is no HTTP, or that was cut off

Messages end up in the log, and before whoever made the room. They tell nothing of what the target answered, nor of
which names are known within our network, nor of their addresses there: which error it was, our own log lines tell.
"""

from __future__ import annotations

from ipaddress import ip_address


class TargetError(Exception):
    """The target was not posted to, or nothing is known of its answer."""


class TargetUrlError(TargetError):
    def __init__(self, url: str) -> None:
        super().__init__(
            "the target's URL is none that can be posted to: it begins with http:// or https:// and a host"
        )
        self.url = url


class TargetNameError(TargetError):
    def __init__(self, host: str) -> None:
        super().__init__(_nowhere(host))
        self.host = host


class TargetAddressError(TargetError):
    def __init__(self, host: str) -> None:
        super().__init__(_nowhere(host))
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


def _nowhere(host: str) -> str:
    """Say the same of a name that is not known and of one whose address is not public."""
    networks = "ONRECORD_WEBHOOK_NETWORKS names those that may be posted to"
    if _is_address(host):
        return f"{host} is an address that is not public: {networks}"
    return f"{host} is not known, or has an address that is not public: {networks}"


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
