"""Settings that every service knows, from the environment."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.runtime.errors import SettingError

PREFIX = "ONRECORD_"


class Settings(BaseSettings):
    """Every field is the environment variable `ONRECORD_<NAME>`; `docs/operations.md` lists them."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore", env_ignore_empty=True)

    #: Postgres, `postgresql://user:password@host/database`. Unset: an embedded one under `data_dir`.
    database_url: str | None = None
    #: RabbitMQ, `amqp://user:password@host/vhost`. Unset: a bus within the process.
    amqp_url: str | None = None
    #: Where the embedded default keeps its database, recordings and credentials.
    data_dir: Path = Path("onrecord-data")
    #: Where finished recordings go, `file:///path`. Unset: `recordings` under `data_dir`.
    storage_url: str | None = None
    #: Tokens are signed with the secret and carry the key. Unset: made at the first start, kept under `data_dir`.
    api_key: str | None = None
    api_secret: SecretStr | None = None
    http_host: str = "127.0.0.1"
    http_port: int = Field(default=8080, ge=0, le=65535)
    #: Log lines as JSON for machines, or for people.
    log_json: bool = False
    log_level: str = "info"


AnySettings = TypeVar("AnySettings", bound=Settings)


def load_settings(kind: type[AnySettings], **overrides: Any) -> AnySettings:
    """Read the environment; `overrides` win. Raises SettingError."""
    try:
        return kind(**overrides)
    except ValidationError as error:
        first = error.errors()[0]
        name = PREFIX + str(first["loc"][0]).upper()
        raise SettingError(name, f"is {first['input']!r}: {first['msg']}") from error
