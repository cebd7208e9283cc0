from __future__ import annotations

from ipaddress import ip_network

import pytest

from services.notifier.settings import NotifierSettings
from shared.runtime.errors import SettingError
from shared.runtime.settings import load_settings


def test_by_default_a_webhook_is_retried_for_more_than_three_days() -> None:
    waits = load_settings(NotifierSettings).retries.waits
    assert waits[:6] == (5, 300, 1800, 7200, 18000, 36000)
    assert set(waits[6:]) == {12 * 3600}
    assert 72 * 3600 < sum(waits) < 80 * 3600


def test_by_default_no_network_is_allowed_beside_the_public_ones() -> None:
    assert load_settings(NotifierSettings).allowed_networks == ()


def test_networks_and_waits_are_lists() -> None:
    settings = load_settings(NotifierSettings, webhook_networks="10.1.0.0/16, fd00::/8", webhook_retries="0.5, 1")
    assert settings.allowed_networks == (ip_network("10.1.0.0/16"), ip_network("fd00::/8"))
    assert settings.retries.waits == (0.5, 1)


@pytest.mark.parametrize("wrong", ["10.1.0.1/16", "localhost", "10.0.0.0/8,", "10.0.0.0/33"])
def test_what_is_no_network_is_refused_by_name(wrong: str) -> None:
    with pytest.raises(SettingError, match="ONRECORD_WEBHOOK_NETWORKS"):
        load_settings(NotifierSettings, webhook_networks=wrong)


@pytest.mark.parametrize("wrong", ["soon", "5,", "0", "-1", "nan", "inf", "604801"])
def test_what_is_no_wait_is_refused_by_name(wrong: str) -> None:
    with pytest.raises(SettingError, match="ONRECORD_WEBHOOK_RETRIES"):
        load_settings(NotifierSettings, webhook_retries=wrong)
