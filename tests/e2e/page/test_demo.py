"""The demo's meeting, held by people at the page."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from services.demo.run import run_demo

pytestmark = pytest.mark.timeout(240)


async def test_who_consents_on_the_page_is_recorded_and_nobody_else(
    chromium: Path, database_url: str, amqp_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(chromium.parent), prepend=os.pathsep)
    said: list[str] = []
    result = await run_demo(said.append, browser=True, database_url=database_url, amqp_url=amqp_url, data_dir=tmp_path)
    assert {each.participant_id for each in result.told.files} == {"alice", "bob", "carol"}
    assert set(result.decode_errors.values()) == {""}
    assert "carol withdraws consent" in said
