"""Tokens: who somebody is and what they may do. HS256 JWTs (RFC 7519) with VideoSDK's claims."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

import jwt
from pydantic import TypeAdapter, ValidationError

from shared.contracts.identifiers import ParticipantId
from shared.contracts.room import Role
from shared.runtime.credentials import Credentials

Permission = Literal["allow_join", "ask_join", "allow_mod"]

_ALGORITHM = "HS256"
#: What rooms and participants are called alike.
_IDENTIFIER: TypeAdapter[str] = TypeAdapter(ParticipantId)
#: Schemes are written in any case (RFC 9110 section 11.1).
_BEARER = re.compile(r"^bearer\s+", re.IGNORECASE)
#: By how much an issuer's clock may be ahead of ours. It makes tokens good earlier, and none for longer: no `exp` is
#: stretched, because its issuer chose it, and official clients renew their tokens a minute before.
_AHEAD = timedelta(seconds=60)


class TokenError(Exception):
    """The token is missing, expired or not ours."""

    code = "unauthorized"


class ForbiddenError(Exception):
    """The token is good, but not for this."""

    code = "forbidden"


@dataclass(frozen=True, slots=True)
class Identity:
    """What a token says of its bearer."""

    permissions: frozenset[str]
    roles: frozenset[str]
    #: The only room and participant the token is for; None: any.
    room_id: str | None = None
    participant_id: str | None = None
    #: Whose secret the token is signed with.
    api_key: str = field(kw_only=True)

    @property
    def role(self) -> Role:
        if "allow_mod" in self.permissions:
            return "moderator"
        return "user" if "allow_join" in self.permissions else "guest"

    @property
    def moderates(self) -> bool:
        """Whether the bearer moderates, or is a server."""
        return self.role == "moderator" or "crawler" in self.roles

    def require_join(self, room_id: str) -> None:
        """Raise ForbiddenError unless the bearer may join the room."""
        if self.roles == {"crawler"}:
            raise ForbiddenError("this token is for the REST API only: its roles lack rtc")
        self.require_room(room_id)

    def require_rest(self) -> None:
        """Raise ForbiddenError unless the bearer may use the server API."""
        if self.roles == {"rtc"}:
            raise ForbiddenError("this token is for joining only: its roles lack crawler")

    def require_room(self, room_id: str) -> None:
        """Raise ForbiddenError when the token is bound to another room."""
        if self.room_id not in {None, room_id}:
            raise ForbiddenError(f"this token is for room {self.room_id}, not {room_id}")

    def require_participant(self, participant_id: str) -> None:
        """Raise ForbiddenError when the token is bound to another participant."""
        if self.participant_id not in {None, participant_id}:
            raise ForbiddenError(f"this token is for participant {self.participant_id}, not {participant_id}")


class Tokens:
    """Issues tokens of our API key, and reads those of every key that is accepted."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    def issue(
        self,
        now: datetime,
        *,
        permissions: Sequence[Permission] = ("allow_join",),
        roles: Sequence[str] = (),
        room_id: str | None = None,
        participant_id: str | None = None,
        lifetime: timedelta = timedelta(hours=24),
    ) -> str:
        claims: dict[str, Any] = {
            "apikey": self._credentials.api_key,
            "permissions": list(permissions),
            "version": 2,
            "iat": now,
            "exp": now + lifetime,
        }
        bound = {"roles": list(roles) or None, "roomId": room_id, "participantId": participant_id}
        claims |= {name: value for name, value in bound.items() if value}
        return jwt.encode(claims, self._credentials.api_secret, _ALGORITHM)

    def read(self, header: str | None) -> Identity:
        """Return who bears the token of an Authorization header, `Bearer` or bare. Raises TokenError."""
        token = bare_token(header)
        if not token:
            raise TokenError("the Authorization header is missing: send a token made by `onrecord token`")
        try:
            claims = self._verified(token)
        except jwt.ExpiredSignatureError:
            raise TokenError("the token has expired: ask for a new one") from None
        except jwt.InvalidTokenError as error:
            raise TokenError(f"the token is not valid: {error}") from None
        return _identity(claims)

    def _verified(self, token: str) -> dict[str, Any]:
        # What the token says of itself chooses the secret, and nothing else: the algorithm is never the token's choice.
        api_key = jwt.decode(token, options={"verify_signature": False, "require": ["apikey"]})["apikey"]
        secret = self._credentials.secret_of(api_key) if isinstance(api_key, str) else None
        if secret is None:
            raise TokenError("the token's apikey is not ours: sign it with this server's key and secret")
        claims: dict[str, Any] = jwt.decode(token, secret, [_ALGORITHM], leeway=_AHEAD)
        if "exp" in claims and int(claims["exp"]) <= time.time():
            raise jwt.ExpiredSignatureError
        return claims


def bare_token(header: str | None) -> str:
    """Return the token of an Authorization header, `Bearer` or bare; empty: there is none."""
    return _BEARER.sub("", header or "").strip()


def _identity(claims: dict[str, Any]) -> Identity:
    return Identity(
        permissions=_strings(claims.get("permissions")),
        # Clients are seen to send `roles` as a list, as one string, and as `role`; and in capitals.
        roles=frozenset(role.lower() for role in _strings(claims.get("roles") or claims.get("role"))),
        room_id=_text(claims, "roomId"),
        participant_id=_text(claims, "participantId"),
        api_key=claims["apikey"],
    )


def _text(claims: dict[str, Any], name: str) -> str | None:
    value = claims.get(name)
    if value is not None and not isinstance(value, str):
        raise TokenError(f"the token's {name} is no string")
    try:
        return _IDENTIFIER.validate_python(value) if value else None
    except ValidationError:
        raise TokenError(f"the token's {name} is not made of at most 128 letters, digits and _.@:+=~-") from None


def _strings(value: object) -> frozenset[str]:
    if isinstance(value, str):
        return frozenset({value})
    return frozenset(item for item in value if isinstance(item, str)) if isinstance(value, list) else frozenset()
