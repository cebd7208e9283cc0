"""Settings that every service knows, from the environment."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, TypeVar
from urllib.parse import unquote, urlsplit

from pydantic import Field, SecretStr, StringConstraints, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from shared.runtime.errors import SettingError

PREFIX = "ONRECORD_"

_Key = Annotated[str, StringConstraints(min_length=1)]
#: With an empty secret everybody could sign.
_Secret = Annotated[SecretStr, Field(min_length=1)]


class Settings(BaseSettings):
    """Every field is the environment variable `ONRECORD_<NAME>`; `docs/operations.md` lists them."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="ignore", env_ignore_empty=True, hide_input_in_errors=True
    )

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
    #: Keys whose tokens are accepted too, a JSON object from key to secret. Ours are never issued with them.
    api_other_keys: Annotated[dict[_Key, _Secret] | None, NoDecode] = Field(default=None, repr=False)
    http_host: str = "127.0.0.1"
    http_port: int = Field(default=8080, ge=0, le=65535)
    #: Where clients reach the gateway, `https://host/path`, for links to files. Unset: as each request was addressed.
    public_url: str | None = Field(default=None, pattern=r"^https?://[^\s?#]+$")
    #: Log lines as JSON for machines, or for people.
    log_json: bool = False
    log_level: str = "info"

    @property
    def storage_root(self) -> Path:
        """The folder that recordings are stored in. Raises SettingError."""
        if self.storage_url is None:
            return (self.data_dir / "recordings").absolute()
        url = urlsplit(self.storage_url)
        if url.scheme != "file" or url.netloc or not url.path.startswith("/"):
            raise SettingError("ONRECORD_STORAGE_URL", f"is {self.storage_url!r}: only file:///path is supported")
        return Path(unquote(url.path))

    @field_validator("api_other_keys", mode="before")
    @classmethod
    def _read(cls, value: object) -> object:
        try:
            return json.loads(value) if isinstance(value, str) else value
        except (ValueError, RecursionError):
            raise ValueError('must be a JSON object like {"key": "secret"}') from None


AnySettings = TypeVar("AnySettings", bound=Settings)


def load_settings(kind: type[AnySettings], **overrides: Any) -> AnySettings:
    """Read the environment; `overrides` win. Raises SettingError."""
    try:
        return kind(**overrides)
    except ValidationError as error:
        first = error.errors()[0]
        field = str(first["loc"][0])
        # What holds secrets is not shown, however wrong it is: what starts a service may keep what it says.
        value = repr(first["input"]) if kind.model_fields[field].repr else "not usable"
        raise SettingError(PREFIX + field.upper(), f"is {value}: {first['msg']}") from error
