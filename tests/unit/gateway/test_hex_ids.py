"""Ids that servers may have kept stay what they are."""

from __future__ import annotations

from services.gateway.hex_ids import hex_id
from services.gateway.projections.sessions import room_object_id


def test_the_same_parts_always_give_the_same_id() -> None:
    assert hex_id("one", 0) == "9e4db335b3c07479e89d128f"
    assert hex_id("user key") == "46476c9a69b513f7487fcaa5"
    assert room_object_id("abcd-efgh-ijkl") == "333ade65f10e5ccd63adc743"


def test_other_parts_give_another_id() -> None:
    assert len({hex_id("one", 0), hex_id("one", 1), hex_id("one0"), hex_id("two", 0)}) == 4
