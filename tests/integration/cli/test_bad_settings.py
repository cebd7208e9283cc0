"""What keeps the system from starting is one sentence that names the setting, and an exit status that is not 0."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from pathlib import Path

import pytest

from shared.runtime.credentials import load_credentials
from shared.runtime.settings import Settings, load_settings
from shared.runtime.tokens import Tokens
from tests.support.command import onrecord

_UNREACHABLE = "127.0.0.1:1"


@pytest.mark.parametrize(
    ("arguments", "settings", "named"),
    [
        ("up", {"ONRECORD_DATABASE_URL": f"postgresql://postgres@{_UNREACHABLE}/x"}, "ONRECORD_DATABASE_URL"),
        ("up", {"ONRECORD_AMQP_URL": f"amqp://guest:guest@{_UNREACHABLE}/"}, "ONRECORD_AMQP_URL"),
        ("up", {"ONRECORD_HTTP_PORT": "eighty"}, "ONRECORD_HTTP_PORT"),
        ("up", {"ONRECORD_STORAGE_URL": "ftp://somewhere"}, "ONRECORD_STORAGE_URL"),
        ("up", {"ONRECORD_API_KEY": "without a secret"}, "ONRECORD_API_SECRET"),
        ("up", {"ONRECORD_RTP_PORTS": "9-8"}, "ONRECORD_RTP_PORTS"),
        ("demo", {"ONRECORD_FFMPEG": "/no/such/ffmpeg"}, "ONRECORD_FFMPEG"),
        ("migrate", {}, "ONRECORD_DATABASE_URL"),
        ("serve consent", {}, "ONRECORD_AMQP_URL"),
        ("serve nonsense", {}, "gateway, consent, recorder, notifier, relay, audit"),
        ("replay --until yesterday", {}, "--until"),
    ],
)
def test_a_wrong_setting_is_named_in_one_sentence(
    arguments: str, settings: Mapping[str, str], named: str, data_dir: Path
) -> None:
    ended = onrecord(arguments, settings, data_dir)
    assert ended.returncode == 1
    assert named in ended.stderr
    assert ended.stderr.startswith("onrecord: ")
    assert ended.stderr.count("\n") == 1
    assert ended.stdout == ""


def test_a_taken_port_is_named_and_nothing_else_is_harmed(data_dir: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = onrecord("up", {"ONRECORD_HTTP_PORT": str(port), "ONRECORD_LOG_LEVEL": "error"}, data_dir)
    assert ended.returncode == 1
    assert ended.stderr == (
        "onrecord: ONRECORD_HTTP_HOST and ONRECORD_HTTP_PORT name an address that cannot be used: "
        f"127.0.0.1:{port} is taken by another program\n"
    )


def test_a_token_is_made_with_credentials_that_are_kept(data_dir: Path) -> None:
    first = onrecord("token --participant alice", {}, data_dir)
    assert first.returncode == 0
    assert first.stdout.count(".") == 2
    kept = (data_dir / "credentials.json").read_text()
    onrecord("token --moderator", {}, data_dir)
    assert (data_dir / "credentials.json").read_text() == kept


@pytest.mark.parametrize(
    ("arguments", "roles"),
    [
        ("--participant alice", {"rtc"}),
        ("--participant alice --moderator", {"rtc"}),
        ("--participant alice --server", {"crawler"}),
        ("--server", {"crawler"}),
        ("--moderator", set()),
    ],
)
def test_a_token_for_a_browser_is_for_joining_alone(arguments: str, roles: set[str], data_dir: Path) -> None:
    made = onrecord(f"token {arguments}", {}, data_dir)
    credentials = load_credentials(load_settings(Settings, data_dir=data_dir))
    assert Tokens(credentials).read(made.stdout).roles == roles
