"""What keeps a service from starting. The message is one sentence that names the setting."""

from __future__ import annotations


class StartupError(Exception):
    """The service cannot start, and says what to set."""


class SettingError(StartupError):
    """A setting is missing or wrong."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name} {reason}")
        self.name = name
        self.reason = reason
