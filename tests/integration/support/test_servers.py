"""The search for servers finds one for all workers, or says clearly why not."""

import threading
from pathlib import Path

import pytest

from tests.support import debian
from tests.support.commands import run
from tests.support.servers import (
    NoServerError,
    NotHereError,
    Server,
    Way,
    containers,
    first_usable,
    from_environment,
    search,
    shared,
    with_path,
)


def closed(reason: str) -> Way:
    def look() -> Server:
        raise NotHereError(reason)

    return Way(f"a place that {reason}", look)


def refuse(url: str) -> None:
    raise NotHereError(f"{url} does not answer")


# The search


def test_the_first_open_way_is_taken() -> None:
    def too_late() -> Server:
        raise AssertionError("searched on after a server was found")

    ways = [closed("is shut"), Way("here", lambda: Server("it://")), Way("beyond", too_late)]

    assert search("Thing", ways, "advice") == Server("it://")


def test_a_search_in_vain_says_what_was_tried_and_what_to_do() -> None:
    with pytest.raises(NoServerError) as failure:
        search("Thing", [closed("is shut"), closed("is far")], "Install Thing.")

    assert str(failure.value).splitlines() == [
        "No Thing for the tests. Tried:",
        "  - a place that is shut: is shut",
        "  - a place that is far: is far",
        "Install Thing.",
    ]


def test_an_address_that_is_set_but_does_not_work_ends_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THING_URL", "it://down")
    ways = [from_environment("THING_URL", refuse), Way("here", lambda: Server("it://other"))]

    with pytest.raises(NoServerError, match="THING_URL is set, but cannot be used: it://down"):
        search("Thing", ways, "advice")


def test_an_address_that_is_not_set_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("THING_URL", raising=False)

    assert search("Thing", [from_environment("THING_URL", refuse), Way("here", lambda: Server("it://"))], "") == Server(
        "it://"
    )


def test_each_reason_is_told_once() -> None:
    def refuse_all(_url: str) -> None:
        raise NotHereError("Connection refused")

    with pytest.raises(NotHereError, match=r"^Connection refused$"):
        first_usable(["a://", "b://"], refuse_all)


def test_an_address_keeps_its_options_when_its_path_changes() -> None:
    assert with_path("postgresql://me@/postgres?host=/run", "mine") == "postgresql://me@/mine?host=/run"


def test_without_root_nothing_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)

    with pytest.raises(NotHereError, match="needs root and apt-get"):
        debian.require("pg_ctlcluster", "postgresql")


def test_a_program_that_fails_is_quoted() -> None:
    with pytest.raises(NotHereError, match="ended with 3: alas"):
        run("sh", "-c", "echo alas; exit 3")


def test_a_program_that_leaves_a_daemon_behind_is_not_waited_for() -> None:
    assert run("sh", "-c", "sleep 3 & echo started", timeout=2) == "started\n"


# One answer for all workers


def test_workers_that_ask_together_search_once(tmp_path: Path) -> None:
    searches: list[int] = []

    def find() -> Server:
        searches.append(1)
        return Server("it://", container="c0ffee")

    workers = [threading.Thread(target=shared, args=(tmp_path, "thing", find)) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert len(searches) == 1
    assert shared(tmp_path, "thing", find) == Server("it://", container="c0ffee")
    assert containers(tmp_path) == ["c0ffee"]


def test_workers_share_a_failure_too(tmp_path: Path) -> None:
    def find() -> Server:
        raise NoServerError("No Thing for the tests.")

    def find_again() -> Server:
        raise AssertionError("searched again after a failure")

    with pytest.raises(NoServerError):
        shared(tmp_path, "thing", find)
    with pytest.raises(NoServerError, match="No Thing for the tests"):
        shared(tmp_path, "thing", find_again)
