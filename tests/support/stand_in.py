"""A program in ffmpeg's place, which does what ffmpeg cannot be made to do."""

from __future__ import annotations

from pathlib import Path


def program(path: Path, script: str) -> Path:
    """Write a shell script, to be run as a program. Returns its path."""
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def ailing(ffmpeg: Path, path: Path, when: str, does: str) -> Path:
    """Write an ffmpeg that does that first where this word is in its arguments. Returns its path."""
    return program(path, f'case "$*" in *{when}*) {does};; esac\nexec {ffmpeg} "$@"')
