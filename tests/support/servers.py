"""Where tests get real servers from: one search per run, whose answer all workers share.

The search tries, in this order: an address in the environment, a server on this machine's standard port, a
container, Debian's packages. It never skips a test: where nothing is to be had, each test that asked fails
with what was tried.
"""

import fcntl
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

#: The directory in which the workers of one run share what was found; set by the first process of the run.
RUN_DIRECTORY = "ONRECORD_TEST_RUN_DIRECTORY"


@dataclass(frozen=True)
class Server:
    """A server that tests may use, as its administrator."""

    url: str
    #: Where RabbitMQ's management API answers, if it is not at its standard port on the server's host.
    api_url: str | None = None
    #: The container to remove when the run ends.
    container: str | None = None


class NotHereError(Exception):
    """One way to a server is not open; the search goes on."""


class NoServerError(Exception):
    """No way led to a server; the message says what was tried and what to do."""


@dataclass(frozen=True)
class Way:
    """One place to look: gives a server or raises NotHereError."""

    name: str
    look: Callable[[], Server]


def search(product: str, ways: Sequence[Way], advice: str) -> Server:
    """The server at the end of the first open way."""
    tried = []
    for way in ways:
        try:
            return way.look()
        except NotHereError as error:
            tried.append(f"  - {way.name}: {error}")
    raise NoServerError("\n".join([f"No {product} for the tests. Tried:", *tried, advice]))


def from_environment(variable: str, check: Callable[[str], None]) -> Way:
    """The address the environment names. One that is named must work: then no other way is tried."""

    def look() -> Server:
        url = os.environ.get(variable)
        if not url:
            raise NotHereError("not set")
        try:
            check(url)
        except NotHereError as error:
            raise NoServerError(f"{variable} is set, but cannot be used: {error}") from error
        return Server(url)

    return Way(variable, look)


def first_usable(urls: Sequence[str], check: Callable[[str], None]) -> Server:
    """The first address at which a server accepts us; refuses with the distinct reasons of all of them."""
    reasons = []
    for url in urls:
        try:
            check(url)
        except NotHereError as error:
            reasons.append(str(error))
        else:
            return Server(url)
    raise NotHereError("; ".join(dict.fromkeys(reasons)))


def with_path(url: str, path: str) -> str:
    """The server's address with another database or virtual host; its options stay."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}/{path}" + (f"?{parts.query}" if parts.query else "")


def shared(directory: Path, product: str, find: Callable[[], Server]) -> Server:
    """What one worker found, or why it found nothing; the others wait for it and do not look again."""
    answer = directory / f"{product}.json"
    with _locked(directory / f"{product}.lock"):
        if not answer.exists():
            answer.write_text(json.dumps(_outcome(find)))
    outcome = json.loads(answer.read_text())
    if "missing" in outcome:
        raise NoServerError(outcome["missing"])
    return Server(**outcome)


def run_directory() -> Path:
    """The directory that the workers of this run share."""
    return Path(os.environ[RUN_DIRECTORY])


def begin_run() -> None:
    """Makes the run's directory; workers inherit its name through the environment."""
    os.environ[RUN_DIRECTORY] = tempfile.mkdtemp(prefix="onrecord-tests-")


def containers(directory: Path) -> list[str]:
    """The ids of the containers that the run started."""
    outcomes = [json.loads(path.read_text()) for path in directory.glob("*.json")]
    return [outcome["container"] for outcome in outcomes if outcome.get("container")]


def _outcome(find: Callable[[], Server]) -> dict[str, str | None]:
    try:
        return asdict(find())
    except NoServerError as error:
        return {"missing": str(error)}


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
