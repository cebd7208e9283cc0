"""Runs a program that gives way to others, and that ends at once when whoever ran it is killed.

A program of its own, because neither can be asked of a child between fork and exec without risk: see the warning at
`preexec_fn` in Python's documentation of subprocess. Its arguments are the program's path and its arguments.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

#: From linux/prctl.h: the signal that the kernel sends a process when its parent ends.
_PR_SET_PDEATHSIG = 1
_NICE = 10


def giving_way(argv: list[str]) -> list[str]:
    """Return the argv that runs a program in this way."""
    return [sys.executable, "-I", "-S", __file__, *argv]


def main() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    os.nice(_NICE)
    os.execv(sys.argv[1], sys.argv[1:])  # noqa: S606  there is no shell, on purpose


if __name__ == "__main__":
    main()
