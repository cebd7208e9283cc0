"""Who said something, as the log names them. The log keeps these for ever: they never change."""

from __future__ import annotations


def participant(participant_id: str) -> str:
    return f"participant:{participant_id}"


def server(api_key: str) -> str:
    """Return the holder of an API key."""
    return f"server:{api_key}"


def worker(worker_id: str) -> str:
    return f"worker:{worker_id}"


def service(name: str) -> str:
    """Return a service, where it acts of itself."""
    return f"service:{name}"


def command(name: str) -> str:
    """Return whoever gave `onrecord` that command."""
    return f"command:{name}"
