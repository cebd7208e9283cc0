"""A running system: six processes, their settings, and where their files are."""

from __future__ import annotations

import base64
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from shared.eventsourcing.postgres import PostgresEventStore
from shared.eventsourcing.store import EventStore
from shared.runtime.credentials import Credentials
from shared.runtime.tokens import Tokens
from tests.support.processes import ServiceProcess, all_services

_KEY, _SECRET = "videosdk", "a secret that is made up for the official SDK alone"
#: Where the gateway is said to be, where that is said at all.
PUBLIC_URL = "https://recordings.example"


def settings_of(database_url: str, amqp_url: str, folder: Path) -> dict[str, str]:
    """Return the settings that all processes share. Keys are made anew."""
    return {
        "ONRECORD_DATABASE_URL": database_url,
        "ONRECORD_AMQP_URL": amqp_url,
        "ONRECORD_STORAGE_URL": f"file://{folder}/recordings",
        "ONRECORD_API_KEY": _KEY,
        "ONRECORD_API_SECRET": _SECRET,
        "ONRECORD_WEBHOOK_KEY_FILE": str(_key_file(folder)),
        "ONRECORD_WEBHOOK_SECRETS": ",".join(_webhook_secret() for _ in range(2)),
        "ONRECORD_WEBHOOK_NETWORKS": "127.0.0.0/8",
    }


@dataclass(frozen=True, slots=True)
class Place:
    services: Mapping[str, ServiceProcess]
    settings: Mapping[str, str]
    folder: Path
    store: EventStore

    @classmethod
    @asynccontextmanager
    async def running(cls, settings: Mapping[str, str], folder: Path) -> AsyncIterator[Place]:
        async with all_services(settings, folder) as services:
            pool = await asyncpg.create_pool(settings["ONRECORD_DATABASE_URL"], min_size=1, max_size=2)
            try:
                yield cls(services, settings, folder, PostgresEventStore(pool))
            finally:
                await pool.close()

    @property
    def url(self) -> str:
        return self.services["gateway"].url

    @property
    def api_key(self) -> str:
        return _KEY

    @property
    def api_secret(self) -> str:
        return _SECRET

    @property
    def tokens(self) -> Tokens:
        return Tokens(Credentials(_KEY, _SECRET))

    @property
    def webhook_secrets(self) -> list[str]:
        """Newest first."""
        return self.settings["ONRECORD_WEBHOOK_SECRETS"].split(",")

    def stored(self, key: str) -> Path:
        """Return where the object of this key is."""
        return self.folder / "recordings" / key


def _key_file(folder: Path) -> Path:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    path = folder / "webhook-key.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    path.chmod(0o600)
    return path


def _webhook_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
