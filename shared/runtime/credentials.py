"""The API keys and secrets that tokens are signed with."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from shared.runtime.errors import SettingError
from shared.runtime.secret_files import made_once
from shared.runtime.settings import Settings

#: Bytes. A key of HS256 is no shorter (RFC 7518 section 3.2): from one token, a short one is found by trying.
_SHORTEST_SECRET = 32


@dataclass(frozen=True, slots=True)
class Credentials:
    """Whoever knows a secret may issue tokens."""

    #: Those that our own tokens are made with.
    api_key: str
    api_secret: str = field(repr=False)
    #: The secrets of other keys whose tokens are accepted, by key: old ones and new ones, while keys are changed.
    others: Mapping[str, str] = field(default_factory=dict, repr=False, hash=False)

    def secret_of(self, api_key: str) -> str | None:
        """Return the secret that tokens of this key are signed with; None: the key is not accepted."""
        return self.api_secret if api_key == self.api_key else self.others.get(api_key)


def load_credentials(settings: Settings) -> Credentials:
    """Return the configured credentials, or those of the data folder, made there when there are none yet.

    Made ones are for a single machine: services that share a broker must be told the same by their settings.
    Raises SettingError.
    """
    others = {key: secret.get_secret_value() for key, secret in (settings.api_other_keys or {}).items()}
    ours = _ours(settings)
    if others.get(ours.api_key, ours.api_secret) != ours.api_secret:
        raise SettingError("ONRECORD_API_OTHER_KEYS", "gives ONRECORD_API_KEY another secret: name each key once")
    for secret in others.values():
        _require_length("ONRECORD_API_OTHER_KEYS", secret)
    return replace(ours, others=others)


def _ours(settings: Settings) -> Credentials:
    if settings.api_key and settings.api_secret:
        secret = settings.api_secret.get_secret_value()
        _require_length("ONRECORD_API_SECRET", secret)
        return Credentials(settings.api_key, secret)
    if settings.api_key or settings.api_secret:
        raise SettingError("ONRECORD_API_KEY and ONRECORD_API_SECRET", "go together: set both or none")
    path = settings.data_dir / "credentials.json"
    try:
        return _kept(path)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SettingError("ONRECORD_DATA_DIR", f"holds no usable {path}: {error}") from error


def _require_length(setting: str, secret: str) -> None:
    if len(secret.encode()) < _SHORTEST_SECRET:
        reason = f"holds a secret of less than {_SHORTEST_SECRET} bytes: take one of `openssl rand -hex 32`"
        raise SettingError(setting, reason)


def _kept(path: Path) -> Credentials:
    kept = json.loads(made_once(path, _new))
    return Credentials(kept["api_key"], kept["api_secret"])


def _new() -> bytes:
    return json.dumps({"api_key": secrets.token_hex(16), "api_secret": secrets.token_hex(32)}).encode()
