"""How many webhooks may be on their way to a target, and to a host, at the same time."""

from __future__ import annotations

from collections import Counter

#: To a host and port, and to a target there that answers: whatever becomes of that one, its neighbours have the others.
_PER_HOST = 32
_PER_TARGET = 24
#: To all targets together that did not answer when they were last asked. One of those is asked once at a time.
_FAILING_TOGETHER = 16
#: Targets that are remembered for not having answered.
_REMEMBERED = 2000


class Places:
    """Keeps targets that do not answer from taking the places of others."""

    def __init__(self) -> None:
        self._at_target: Counter[str] = Counter()
        self._at_host: Counter[str] = Counter()
        #: URLs in the order in which they failed; a dict for that.
        self._failing: dict[str, None] = {}

    def begin(self, url: str, host: str) -> None:
        self._at_target[url] += 1
        self._at_host[host] += 1

    def end(self, url: str, host: str) -> None:
        for counter, name in ((self._at_target, url), (self._at_host, host)):
            counter[name] -= 1
            if not counter[name]:
                del counter[name]

    def answered(self, url: str) -> None:
        self._failing.pop(url, None)

    def failed(self, url: str) -> None:
        self._failing[url] = None
        if len(self._failing) > _REMEMBERED:
            del self._failing[next(iter(self._failing))]

    def is_failing(self, url: str) -> bool:
        return url in self._failing

    def is_there(self, url: str, host: str) -> bool:
        """Tell whether one more may be posted to the target now."""
        return self._at_host[host] < _PER_HOST and self._at_target[url] < self._most(url)

    def full_hosts(self) -> set[str]:
        return {host for host, count in self._at_host.items() if count >= _PER_HOST}

    def full_targets(self) -> set[str]:
        full = {url for url, count in self._at_target.items() if count >= self._most(url)}
        return full if self._failing_are_few() else full | self._failing.keys()

    def _most(self, url: str) -> int:
        if url not in self._failing:
            return _PER_TARGET
        return 1 if self._failing_are_few() else 0

    def _failing_are_few(self) -> bool:
        return sum(self._at_target[url] for url in self._at_target.keys() & self._failing.keys()) < _FAILING_TOGETHER
