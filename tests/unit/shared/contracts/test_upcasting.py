"""What was written in an older version is read as the newest one, and nothing else changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import pytest

from shared.contracts import upcasting
from shared.contracts.message import Event
from shared.contracts.registry import EVENTS
from shared.contracts.upcasting import UPCASTS, upcast
from tests.support.contracts import sample
from tests.support.moments import at


class Drawn(Event):
    type: ClassVar[str] = "thing.drawn.v1"
    colour: str


class DrawnTwo(Event):
    type: ClassVar[str] = "thing.drawn.v2"
    colours: list[str]


class DrawnThree(Event):
    type: ClassVar[str] = "thing.drawn.v3"
    colours: list[str]
    width: int


@pytest.fixture(autouse=True)
def steps(monkeypatch: pytest.MonkeyPatch) -> None:
    steps: dict[type[Event], Callable[[Any], Event]] = {
        Drawn: lambda old: DrawnTwo(at=old.at, colours=[old.colour]),
        DrawnTwo: lambda old: DrawnThree(at=old.at, colours=old.colours, width=1),
    }
    monkeypatch.setattr(upcasting, "UPCASTS", steps)


@pytest.mark.parametrize("old", [Drawn(at=at(1), colour="red"), DrawnTwo(at=at(1), colours=["red"])])
def test_an_old_version_goes_through_every_step_to_the_newest(old: Event) -> None:
    assert upcast(old) == DrawnThree(at=at(1), colours=["red"], width=1)


def test_the_newest_version_stays_as_it_is() -> None:
    newest = DrawnThree(at=at(1), colours=[], width=2)
    assert upcast(newest) is newest


@pytest.mark.parametrize("wire_type", sorted(EVENTS))
def test_every_version_that_was_ever_written_becomes_one_that_is_written_today(
    wire_type: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upcasting, "UPCASTS", UPCASTS)
    stored = EVENTS[wire_type].model_validate_json(sample(wire_type))
    newest = upcast(stored)
    assert type(newest) not in UPCASTS
    assert newest.type in EVENTS
    assert (newest.at, newest.stream) == (stored.at, stored.stream)
