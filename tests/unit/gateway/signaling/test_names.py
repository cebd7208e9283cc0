"""The names by which people are seen."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.signaling.commands import Join
from services.gateway.signaling.envelope import ProtocolError, display_name, parse


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("Ann", "Ann"),
        ("  Ann \t\n Lee ", "Ann Lee"),
        ("Åsa\u00a0Öst", "Åsa Öst"),
        ("x" * 100, "x" * 100),
        ("\U0001f600" * 100, "\U0001f600" * 100),
        (" " * 500 + "x", "x"),
        ("עברית", "עברית"),
        ("a\u200db", "a\u200db"),
    ],
)
def test_a_name_is_taken_with_its_white_space_collapsed(asked: str, name: str) -> None:
    assert display_name(asked) == name


@pytest.mark.parametrize(
    "asked",
    [
        "",
        "   ",
        "\u2003",
        "x" * 101,
        "a\x00b",
        "a\x1bb",
        "a\x7fb",
        "a\u202eb",
        "\u2066a",
        "a\u2069",
        "a\u0090b",
        "\u200b",
        "\u200d\u2060",
    ],
    ids=ascii,
)
def test_a_name_that_is_none_or_long_or_steers_the_screen_is_refused(asked: str) -> None:
    with pytest.raises(ProtocolError, match="control: invalid_username"):
        display_name(asked)


@pytest.mark.parametrize("asked", ["\ud800", "Ann \udfff"], ids=ascii)
def test_a_name_that_cannot_be_stored_is_no_name(asked: str) -> None:
    """It is JSON, and a name is what is wrong with it."""
    join = parse(
        json.dumps({"namespace": "control", "payload": {"action": "join", "display_name": asked}}), joined=False
    )
    assert isinstance(join, Join)
    with pytest.raises(ProtocolError, match="control: invalid_username"):
        display_name(join.display_name)


@given(st.text())
def test_a_name_that_is_taken_is_taken_again_as_it_is(asked: str) -> None:
    try:
        name = display_name(asked)
    except ProtocolError:
        return
    assert display_name(name) == name
    assert 1 <= len(name) <= 100
