from __future__ import annotations

import pytest

from services.recorder.settings import RecorderSettings
from shared.runtime.errors import SettingError
from shared.runtime.settings import load_settings


def test_whoever_is_not_there_is_waited_for_a_minute() -> None:
    assert load_settings(RecorderSettings).participant_grace == 60


@pytest.mark.parametrize("seconds", ["0", "0.5", "86400"])
def test_that_can_be_set_from_not_at_all_to_a_day(monkeypatch: pytest.MonkeyPatch, seconds: str) -> None:
    monkeypatch.setenv("ONRECORD_PARTICIPANT_GRACE", seconds)
    assert load_settings(RecorderSettings).participant_grace == float(seconds)


@pytest.mark.parametrize("seconds", ["-1", "86401", "nan", "inf", "a minute"])
def test_it_cannot_be_anything_else(monkeypatch: pytest.MonkeyPatch, seconds: str) -> None:
    monkeypatch.setenv("ONRECORD_PARTICIPANT_GRACE", seconds)
    with pytest.raises(SettingError, match="ONRECORD_PARTICIPANT_GRACE"):
        load_settings(RecorderSettings)


def test_media_waits_for_five_minutes_in_eight_gibibytes() -> None:
    settings = load_settings(RecorderSettings)
    assert (settings.hold_back, settings.spool_dir, settings.spool_mib) == (300, None, 8192)


@pytest.mark.parametrize(
    ("name", "value"), [("HOLD_BACK", "0"), ("HOLD_BACK", "3601"), ("SPOOL_MIB", "-1"), ("SPOOL_MIB", "some")]
)
def test_what_no_media_could_wait_in_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"ONRECORD_{name}", value)
    with pytest.raises(SettingError, match=f"ONRECORD_{name}"):
        load_settings(RecorderSettings)
