"""Files that a process may have open: each connection is one."""

from __future__ import annotations

import resource

from shared.runtime.errors import StartupError

#: For everything that is no connection of a client: libraries, database, broker, log files.
_BESIDE = 200


def allow_connections(count: int) -> int:
    """Let this process and those it starts have as many files open as the machine allows; return how many.

    Raises StartupError when that is too few for so many connections.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard != resource.RLIM_INFINITY and hard < count + _BESIDE:
        raise StartupError(
            f"a process may have {hard} files open here, and {count} connections need {count + _BESIDE}: "
            "raise the hard limit (ulimit -Hn, LimitNOFILE=), or measure less by --quick"
        )
    return hard
