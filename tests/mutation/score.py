"""How many of the changes were noticed, file by file."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

#: A test failed, or went on for ever: both are noticed.
_NOTICED = {"killed", "timeout", "segfault", "caught by type check"}
#: `    services.consent.domain.consent.x_decide__mutmut_1: survived`; methods begin with `xǁ`, functions with `x_`.
_RESULT = re.compile(r"^\s+(?P<module>[\w.]+?)\.x[_ǁ]\S+: (?P<status>.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Score:
    noticed: int
    changes: int

    @property
    def noticed_share(self) -> float:
        """Return how many of a hundred were noticed; of none, all."""
        return 100 * self.noticed / self.changes if self.changes else 100.0


def scores(results: str) -> dict[str, Score]:
    """Return the score of each module, from what `mutmut results --all true` prints.

    What was not tried was noticed by nobody. Raises ValueError when it holds no result.
    """
    found: dict[str, Counter[bool]] = defaultdict(Counter)
    for each in _RESULT.finditer(results):
        found[each["module"]][each["status"] in _NOTICED] += 1
    if not found:
        raise ValueError("mutmut has told no result: was anything changed?")
    return {module: Score(counted[True], counted.total()) for module, counted in sorted(found.items())}


def total(found: Mapping[str, Score]) -> Score:
    each = found.values()
    return Score(sum(one.noticed for one in each), sum(one.changes for one in each))
