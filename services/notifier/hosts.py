"""How many webhooks may be on their way to a host at the same time."""

from __future__ import annotations

from collections import Counter

#: To one that answers; to all together that did not when they were last asked. One of those is asked once at a time.
_PER_HOST = 8
_FAILING_TOGETHER = 64
#: Hosts that are remembered for not having answered.
_REMEMBERED = 10_000


class Hosts:
    """Keeps those that do not answer from taking the places of others."""

    def __init__(self) -> None:
        self._busy: Counter[str] = Counter()
        #: In the order in which they failed; a dict for that.
        self._failing: dict[str, None] = {}

    def begin(self, host: str) -> None:
        self._busy[host] += 1

    def end(self, host: str) -> None:
        self._busy[host] -= 1
        if not self._busy[host]:
            del self._busy[host]

    def answered(self, host: str) -> None:
        self._failing.pop(host, None)

    def failed(self, host: str) -> None:
        self._failing[host] = None
        if len(self._failing) > _REMEMBERED:
            del self._failing[next(iter(self._failing))]

    def full(self) -> set[str]:
        """Return the hosts that nothing more may be posted to now."""
        failing = self._busy.keys() & self._failing.keys()
        if sum(self._busy[host] for host in failing) >= _FAILING_TOGETHER:
            failing = set(self._failing)
        return set(failing) | {host for host, count in self._busy.items() if count >= _PER_HOST}
