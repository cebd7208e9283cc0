from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from shared.runtime.credentials import Credentials, load_credentials
from shared.runtime.errors import StartupError
from shared.runtime.settings import Settings, load_settings

SECRET = "a secret of thirty-two bytes ..."
OTHER_SECRET = SECRET[::-1]


@pytest.fixture(autouse=True)
def _nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ONRECORD_API_KEY", "ONRECORD_API_SECRET", "ONRECORD_API_OTHER_KEYS", "ONRECORD_DATA_DIR"):
        monkeypatch.delenv(name, raising=False)


def kept_in(folder: Path) -> Settings:
    return load_settings(Settings, data_dir=folder)


def test_those_that_are_set_are_used_and_none_are_made(tmp_path: Path) -> None:
    settings = load_settings(Settings, data_dir=tmp_path, api_key="key", api_secret=SECRET)
    assert load_credentials(settings) == Credentials("key", SECRET)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("half", [{"api_key": "key"}, {"api_secret": "secret"}])
def test_half_of_them_is_refused_and_both_are_named(tmp_path: Path, half: dict[str, str]) -> None:
    with pytest.raises(StartupError, match="ONRECORD_API_KEY and ONRECORD_API_SECRET go together"):
        load_credentials(load_settings(Settings, data_dir=tmp_path, **half))


@pytest.mark.parametrize("ours", [{"api_key": "key", "api_secret": SECRET}, {}])
def test_other_keys_are_accepted_beside_ours(tmp_path: Path, ours: dict[str, str]) -> None:
    credentials = load_credentials(
        load_settings(Settings, data_dir=tmp_path, api_other_keys={"old": OTHER_SECRET}, **ours)
    )
    assert (credentials.secret_of("old"), credentials.secret_of(credentials.api_key)) == (
        OTHER_SECRET,
        credentials.api_secret,
    )
    assert credentials.secret_of("unknown") is credentials.secret_of("") is None


def test_a_key_with_two_secrets_is_refused(tmp_path: Path) -> None:
    def load(others: dict[str, str]) -> Credentials:
        settings = {"api_key": "key", "api_secret": SECRET, "api_other_keys": others}
        return load_credentials(load_settings(Settings, data_dir=tmp_path, **settings))

    with pytest.raises(StartupError, match="ONRECORD_API_OTHER_KEYS gives ONRECORD_API_KEY another secret"):
        load({"key": OTHER_SECRET})
    assert load({"key": SECRET}).secret_of("key") == SECRET


@pytest.mark.parametrize("short", ["x", SECRET[1:]])
def test_a_secret_that_could_be_guessed_is_refused_by_its_setting_and_not_shown(tmp_path: Path, short: str) -> None:
    for ours, others, named in (
        (short, {}, "ONRECORD_API_SECRET"),
        (SECRET, {"new": OTHER_SECRET, "old": short}, "ONRECORD_API_OTHER_KEYS"),
    ):
        settings = {"data_dir": tmp_path, "api_key": "key", "api_secret": ours, "api_other_keys": others}
        with pytest.raises(StartupError) as refusal:
            load_credentials(load_settings(Settings, **settings))
        assert str(refusal.value) == (
            f"{named} holds a secret of less than 32 bytes: take one of `openssl rand -hex 32`"
        )


def test_it_is_bytes_that_a_secret_has_32_of(tmp_path: Path) -> None:
    settings = load_settings(Settings, data_dir=tmp_path, api_key="key", api_secret="ü" * 16)
    assert load_credentials(settings).api_secret == "ü" * 16


def test_they_are_made_once(tmp_path: Path) -> None:
    folder = tmp_path / "not" / "there"
    made = load_credentials(kept_in(folder))
    assert load_credentials(kept_in(folder)) == made
    assert len(made.api_secret) >= 32
    assert [path.name for path in folder.iterdir()] == ["credentials.json"]


def test_each_folder_has_its_own(tmp_path: Path) -> None:
    assert load_credentials(kept_in(tmp_path / "a")) != load_credentials(kept_in(tmp_path / "b"))


def test_only_their_owner_may_read_them(tmp_path: Path) -> None:
    load_credentials(kept_in(tmp_path))
    assert stat.S_IMODE((tmp_path / "credentials.json").stat().st_mode) == 0o600


def test_those_who_start_together_get_the_same(tmp_path: Path) -> None:
    together = Barrier(8)

    def start(_: int) -> Credentials:
        together.wait(timeout=10)
        return load_credentials(kept_in(tmp_path))

    with ThreadPoolExecutor(8) as starters:
        assert len(set(starters.map(start, range(8)))) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["credentials.json"]


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"api_key": "key"}'])
def test_a_file_that_holds_none_is_refused_by_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "credentials.json").write_text(text)
    with pytest.raises(StartupError, match=r"ONRECORD_DATA_DIR .*credentials\.json"):
        load_credentials(kept_in(tmp_path))


def test_the_secret_is_not_shown() -> None:
    assert "hush" not in repr(Credentials("key", "hush", {"other": "hush"}))
