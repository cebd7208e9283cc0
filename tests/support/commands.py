"""Programs that the tests' helpers run, and their words when they fail."""

import os
import subprocess
import sys
import tempfile

from tests.support.servers import NotHereError


def run(*argv: str, environment: dict[str, str] | None = None, timeout: float = 60) -> str:
    """What the program printed; its last words are the error if it fails.

    Output goes to a file: a daemon started on the way keeps a pipe open for ever. A session of its own keeps
    Ctrl-C from it.
    """
    with tempfile.TemporaryFile("w+") as output:
        try:
            done = subprocess.run(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(environment or {})},
                cwd="/",
                start_new_session=True,
                timeout=timeout,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise NotHereError(f"{argv[0]}: {error}") from error
        output.seek(0)
        said = output.read()
    if done.returncode != 0:
        raise NotHereError(f"{' '.join(argv[:3])} … ended with {done.returncode}: {said.strip()[-300:]}")
    return said


def announce(text: str) -> None:
    """Tells the person who waits; past pytest's capture, since it concerns the whole run."""
    print(f"\n{text}", file=sys.__stderr__, flush=True)
