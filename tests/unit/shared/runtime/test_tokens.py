from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.room import Role
from shared.runtime.credentials import Credentials
from shared.runtime.tokens import ForbiddenError, Identity, Permission, TokenError, Tokens

SECRET = "a secret of more than thirty-two bytes"
TOKENS = Tokens(Credentials("key", SECRET))


def now() -> datetime:
    """The time of day: readers of tokens hold them against it."""
    return datetime.now(UTC)


def signed(claims: dict[str, Any], secret: str = SECRET, algorithm: str = "HS256") -> str:
    return jwt.encode({"exp": now() + timedelta(hours=1), **claims}, secret, algorithm)


def identity(**claims: Any) -> Identity:
    return TOKENS.read(signed({"apikey": "key", **claims}))


# --- reading


def test_an_issued_token_is_read_as_it_was_issued() -> None:
    token = TOKENS.issue(
        now(), permissions=("allow_join", "allow_mod"), roles=("rtc",), room_id="r", participant_id="ann"
    )
    assert TOKENS.read(token) == Identity(frozenset({"allow_join", "allow_mod"}), frozenset({"rtc"}), "r", "ann")


@pytest.mark.parametrize("prefix", ["", "Bearer ", "bearer ", "BEARER  "])
def test_a_token_may_come_bare_or_as_bearer_in_any_case(prefix: str) -> None:
    assert TOKENS.read(prefix + TOKENS.issue(now())).permissions == {"allow_join"}


@pytest.mark.parametrize("header", [None, "", "   ", "Bearer "])
def test_a_missing_token_is_refused_and_says_how_to_get_one(header: str | None) -> None:
    with pytest.raises(TokenError, match="onrecord token"):
        TOKENS.read(header)


def test_an_expired_token_is_refused() -> None:
    token = TOKENS.issue(now() - timedelta(hours=2), lifetime=timedelta(hours=1))
    with pytest.raises(TokenError, match="has expired"):
        TOKENS.read(token)


def test_a_token_of_another_secret_is_refused() -> None:
    token = Tokens(Credentials("key", "quite another secret of many bytes")).issue(now())
    with pytest.raises(TokenError, match="Signature verification failed"):
        TOKENS.read(token)


def test_a_token_of_another_key_is_refused() -> None:
    token = Tokens(Credentials("another", SECRET)).issue(now())
    with pytest.raises(TokenError, match="apikey is not ours"):
        TOKENS.read(token)


def test_a_token_without_an_apikey_is_refused() -> None:
    with pytest.raises(TokenError, match="apikey"):
        TOKENS.read(signed({"permissions": ["allow_join"]}))


def test_an_unsigned_token_is_refused() -> None:
    token = jwt.encode({"apikey": "key", "permissions": ["allow_mod"]}, None, "none")
    with pytest.raises(TokenError, match="not valid"):
        TOKENS.read(token)


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_a_token_of_another_algorithm_is_refused(algorithm: str) -> None:
    with (
        pytest.warns(jwt.InsecureKeyLengthWarning),  # for this algorithm the secret is short
        pytest.raises(TokenError, match="alg"),
    ):
        TOKENS.read(signed({"apikey": "key"}, algorithm=algorithm))


def test_a_token_that_was_tampered_with_is_refused() -> None:
    header, _, signature = TOKENS.issue(now()).split(".")
    _, claims, _ = signed({"apikey": "key", "permissions": ["allow_mod"]}).split(".")
    with pytest.raises(TokenError, match="Signature"):
        TOKENS.read(f"{header}.{claims}.{signature}")


@pytest.mark.parametrize("garbage", ["x", "..", "a.b.c", "e30.e30.e30", "é.é.é", "W" * 5000 + ".e30.x"])
def test_garbage_is_refused(garbage: str) -> None:
    with pytest.raises(TokenError):
        TOKENS.read(garbage)


@given(st.text(st.characters(codec="utf-8"), max_size=60))
def test_nothing_but_a_token_error_comes_of_any_text(text: str) -> None:
    with pytest.raises(TokenError):
        TOKENS.read(text)


@pytest.mark.parametrize("name", ["roomId", "participantId"])
def test_a_binding_that_is_no_string_is_refused_by_name(name: str) -> None:
    with pytest.raises(TokenError, match=name):
        identity(**{name: 5})


@pytest.mark.parametrize("name", ["roomId", "participantId"])
@pytest.mark.parametrize(
    "value", ["two words", "../up", ".hidden", "nul\x00", "x" * 129, "gr\N{LATIN SMALL LETTER U WITH DIAERESIS}n"]
)
def test_a_binding_that_cannot_be_an_id_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(TokenError, match=name):
        identity(**{name: value})


# --- roles and permissions


@pytest.mark.parametrize(
    ("permissions", "role"),
    [
        (["allow_mod"], "moderator"),
        (["allow_join", "allow_mod"], "moderator"),
        (["allow_join"], "user"),
        ("allow_join", "user"),
        (["ask_join"], "guest"),
        ([], "guest"),
        ({"allow_mod": True}, "guest"),
        ([["allow_mod"]], "guest"),
    ],
)
def test_permissions_make_the_role(permissions: object, role: Role) -> None:
    assert identity(permissions=permissions).role == role


@pytest.mark.parametrize("claims", [{"roles": ["rtc"]}, {"roles": "rtc"}, {"role": "rtc"}, {"role": ["rtc"]}])
def test_roles_come_as_a_list_as_a_string_and_as_role(claims: dict[str, Any]) -> None:
    assert identity(**claims).roles == {"rtc"}


def test_a_crawler_may_use_the_rest_api_and_join_nowhere() -> None:
    crawler = identity(roles=["crawler"])
    crawler.require_rest()
    with pytest.raises(ForbiddenError, match="lack rtc"):
        crawler.require_join("r")


def test_an_rtc_token_may_join_and_use_no_rest_api() -> None:
    rtc = identity(roles="rtc")
    rtc.require_join("r")
    with pytest.raises(ForbiddenError, match="lack crawler"):
        rtc.require_rest()


@pytest.mark.parametrize("roles", [[], ["rtc", "crawler"]])
def test_a_token_of_both_roles_or_none_may_do_both(roles: list[str]) -> None:
    bearer = identity(roles=roles)
    bearer.require_join("r")
    bearer.require_rest()


def test_a_token_bound_to_a_room_is_for_no_other() -> None:
    bound = identity(roomId="r")
    bound.require_join("r")
    bound.require_room("r")
    for require in (bound.require_join, bound.require_room):
        with pytest.raises(ForbiddenError, match="for room r, not other"):
            require("other")


def test_a_token_bound_to_a_participant_is_for_no_other() -> None:
    bound = identity(participantId="ann")
    bound.require_participant("ann")
    with pytest.raises(ForbiddenError, match="for participant ann, not bob"):
        bound.require_participant("bob")


def test_an_unbound_token_is_for_every_room_and_participant() -> None:
    bearer = identity()
    bearer.require_join("r")
    bearer.require_participant("ann")
    assert (bearer.room_id, bearer.participant_id) == (None, None)


@given(st.sets(st.sampled_from(["allow_join", "ask_join", "allow_mod"])), st.none() | st.sampled_from(["r", "q"]))
def test_what_is_issued_is_read_back(permissions: set[Permission], room_id: str | None) -> None:
    token = TOKENS.issue(now(), permissions=tuple(permissions), room_id=room_id)
    assert TOKENS.read(token) == Identity(frozenset(permissions), frozenset(), room_id)
