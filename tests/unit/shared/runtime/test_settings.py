from __future__ import annotations

from pathlib import Path

import pytest

from services.gateway.settings import GatewaySettings
from services.recorder.settings import RecorderSettings
from shared.runtime.errors import SettingError
from shared.runtime.settings import PREFIX, Settings, load_settings


@pytest.fixture(autouse=True)
def _nothing_is_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for kind in (Settings, GatewaySettings, RecorderSettings):
        for name in kind.model_fields:
            monkeypatch.delenv(PREFIX + name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)


def test_everything_has_a_default() -> None:
    settings = load_settings(Settings)
    assert (settings.http_host, settings.http_port) == ("127.0.0.1", 8080)
    assert settings.database_url is settings.amqp_url is None


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONRECORD_HTTP_PORT", "9090")
    monkeypatch.setenv("ONRECORD_LOG_JSON", "true")
    settings = load_settings(Settings)
    assert (settings.http_port, settings.log_json) == (9090, True)


def test_what_is_handed_in_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONRECORD_HTTP_PORT", "9090")
    assert load_settings(Settings, http_port=7070).http_port == 7070


def test_an_empty_variable_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONRECORD_HTTP_PORT", "")
    assert load_settings(Settings).http_port == 8080


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        (Settings, "ONRECORD_HTTP_PORT", "many"),
        (Settings, "ONRECORD_HTTP_PORT", "65536"),
        (Settings, "ONRECORD_HTTP_PORT", "-1"),
        (Settings, "ONRECORD_LOG_JSON", "perhaps"),
        (GatewaySettings, "ONRECORD_COMMAND_TIMEOUT", "0"),
        (GatewaySettings, "ONRECORD_COMMAND_TIMEOUT", "soon"),
        (GatewaySettings, "ONRECORD_CORS_ORIGINS", "meet.example"),
        (GatewaySettings, "ONRECORD_CORS_ORIGINS", "https://meet.example/"),
        (GatewaySettings, "ONRECORD_CORS_ORIGINS", "https://*.example"),
        (GatewaySettings, "ONRECORD_CORS_ORIGINS", "https://meet.example,"),
        (GatewaySettings, "ONRECORD_CORS_ORIGINS", "https://meet.example https://other.example"),
        (RecorderSettings, "ONRECORD_RTP_PORTS", "40000"),
        (RecorderSettings, "ONRECORD_RTP_PORTS", "50000-40000"),
        (RecorderSettings, "ONRECORD_RTP_PORTS", "0-40000"),
        (RecorderSettings, "ONRECORD_RTP_PORTS", "40000-65536"),
    ],
)
def test_a_bad_value_is_refused_with_its_variable_and_the_value(
    monkeypatch: pytest.MonkeyPatch, kind: type[Settings], name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingError) as refusal:
        load_settings(kind)
    assert refusal.value.name == name
    assert str(refusal.value).startswith(f"{name} is '{value}': ")


def test_the_secret_is_not_shown() -> None:
    settings = load_settings(Settings, api_key="key", api_secret="hush", api_other_keys={"old": "hush"})
    assert "hush" not in repr(settings)


def test_other_keys_are_a_json_object(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONRECORD_API_OTHER_KEYS", '{"old": "one", "new": "two"}')
    others = load_settings(Settings).api_other_keys or {}
    assert {key: secret.get_secret_value() for key, secret in others.items()} == {"old": "one", "new": "two"}


@pytest.mark.parametrize(
    "value", ["hush", "{", '"hush"', '["hush"]', '{"old": ["hush"]}', '{"old": ""}', '{"": "hush"}', "[" * 9999]
)
def test_other_keys_that_are_none_are_refused_and_not_shown(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("ONRECORD_API_OTHER_KEYS", value)
    with pytest.raises(SettingError, match=r"^ONRECORD_API_OTHER_KEYS is not usable: ") as refusal:
        load_settings(Settings)
    assert "hush" not in f"{refusal.value} {refusal.value.__cause__}"


# --- the gateway's


@pytest.mark.parametrize(
    ("value", "origins"),
    [
        ("*", ["*"]),
        ("https://Meet.example", ["https://meet.example"]),
        ("https://meet.example, http://localhost:3000", ["https://meet.example", "http://localhost:3000"]),
        ("capacitor://localhost", ["capacitor://localhost"]),
    ],
)
def test_origins_are_listed_with_commas_and_as_browsers_write_them(value: str, origins: list[str]) -> None:
    assert load_settings(GatewaySettings, cors_origins=value).cors_origin_list == origins


# --- the recorder's


def test_the_port_range_holds_both_ends() -> None:
    assert load_settings(RecorderSettings, rtp_ports="40000-40003").rtp_port_range == range(40000, 40004)


def test_recordings_are_kept_in_the_data_folder_unless_told_otherwise(tmp_path: Path) -> None:
    assert load_settings(RecorderSettings, data_dir=tmp_path / "d").storage_root == tmp_path / "d" / "recordings"
    assert load_settings(RecorderSettings).storage_root == tmp_path / "onrecord-data" / "recordings"


@pytest.mark.parametrize(
    ("url", "root"), [("file:///srv/rec", "/srv/rec"), ("file:///srv/my%20rec", "/srv/my rec"), ("file:/srv", "/srv")]
)
def test_a_file_url_names_the_folder(url: str, root: str) -> None:
    assert load_settings(RecorderSettings, storage_url=url).storage_root == Path(root)


@pytest.mark.parametrize("url", ["s3://bucket", "file://host/path", "file:relative", "/srv/rec", "srv"])
def test_any_other_storage_is_refused_with_its_variable(url: str) -> None:
    with pytest.raises(SettingError, match=r"^ONRECORD_STORAGE_URL is"):
        _ = load_settings(RecorderSettings, storage_url=url).storage_root
