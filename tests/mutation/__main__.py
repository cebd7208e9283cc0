"""Changes the rules in thousands of small ways, one at a time, and sees whether tests notice: `make mutation`.

`python -m tests.mutation [NAME ...]`: with names, as mutmut shows them, only these are tried again. What is changed,
and by which tests that should be noticed, is told in `pyproject.toml`.
"""

import shutil
import subprocess
import sys
from pathlib import Path

from rich.console import Console

from tests.mutation.score import Score, scores, total
from tests.mutation.table import table

#: Of a hundred changes. It goes up when the score does, and never down.
FLOOR = 90.0

_MUTMUT = (sys.executable, "-m", "mutmut")


def run() -> None:
    names = sys.argv[1:]
    if not names:
        # What was found before says nothing of tests that have changed since.
        shutil.rmtree("mutants", ignore_errors=True)
    subprocess.run([*_MUTMUT, "run", *names], check=True)
    told = subprocess.run([*_MUTMUT, "results", "--all", "true"], check=True, stdout=subprocess.PIPE, text=True).stdout
    found = scores(told)
    Console(highlight=False).print(table(found))
    sys.exit(verdict(total(found)))


def verdict(score: Score) -> str | None:
    """Return what is wrong with it, or nothing."""
    if score.noticed_share >= FLOOR:
        return None
    return (
        f"{score.noticed_share:.1f} % of the changes were noticed, and {FLOOR:g} % shall be: write tests for the rest, "
        f"which {Path(sys.executable).name} -m mutmut browse shows"
    )


if __name__ == "__main__":
    run()
