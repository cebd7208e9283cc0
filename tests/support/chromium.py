"""Chromium for tests: the one on this machine, or Debian's package."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from services.demo.chromium import NAMES, installed_chromium
from tests.support import debian
from tests.support.servers import NotHereError, Server, Way, search

_ADVICE = "Install Chromium, so that chromium or google-chrome is on the PATH."


def find() -> Server:
    """Return where its program is, as a file URL. Raises NoServerError."""
    return search("Chromium", [Way("the PATH", _on_the_path), Way("Debian's packages", _debian)], _ADVICE)


def program(found: Server) -> Path:
    return Path(unquote(urlsplit(found.url).path))


def _on_the_path() -> Server:
    if path := installed_chromium():
        return Server(Path(path).as_uri())
    raise NotHereError(f"there is none of {', '.join(NAMES)}")


def _debian() -> Server:
    debian.require("chromium", "chromium")
    return _on_the_path()
