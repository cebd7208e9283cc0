from __future__ import annotations

import base64
import contextlib
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.room import Role
from shared.runtime.credentials import Credentials
from shared.runtime.tokens import ForbiddenError, Identity, Permission, TokenError, Tokens

SECRET = "a secret of more than thirty-two bytes"
OTHER_SECRET = "the secret of another key, of many bytes"
TOKENS = Tokens(Credentials("key", SECRET))
SEVERAL = Tokens(Credentials("key", SECRET, {"other": OTHER_SECRET}))


def now() -> datetime:
    """The time of day: readers of tokens hold them against it."""
    return datetime.now(UTC)


def signed(claims: dict[str, Any], secret: str = SECRET, algorithm: str = "HS256") -> str:
    return jwt.encode({"exp": now() + timedelta(hours=1), **claims}, secret, algorithm)


def identity(**claims: Any) -> Identity:
    return TOKENS.read(signed({"apikey": "key", **claims}))


def strange(header: str, claims: str) -> str:
    """Return a token that no library would make."""
    return ".".join(base64.urlsafe_b64encode(part.encode()).rstrip(b"=").decode() for part in (header, claims, "x"))


# --- reading


def test_an_issued_token_is_read_as_it_was_issued() -> None:
    token = TOKENS.issue(
        now(), permissions=("allow_join", "allow_mod"), roles=("rtc",), room_id="r", participant_id="ann"
    )
    assert TOKENS.read(token) == Identity(
        frozenset({"allow_join", "allow_mod"}), frozenset({"rtc"}), "r", "ann", api_key="key"
    )


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


@pytest.mark.parametrize("claim", ["iat", "nbf"])
def test_an_issuers_clock_may_be_a_minute_ahead_and_no_more(claim: str) -> None:
    a_little, too_far = (now() + timedelta(seconds=seconds) for seconds in (55, 65))
    assert identity(**{claim: a_little}).api_key == "key"
    with pytest.raises(TokenError, match=f"not yet valid .{claim}."):
        identity(**{claim: too_far})


def test_no_token_is_good_for_a_moment_longer_than_it_says() -> None:
    assert identity(exp=now() + timedelta(seconds=5)).api_key == "key"
    with pytest.raises(TokenError, match="has expired"):
        identity(exp=now() - timedelta(seconds=1))


def test_a_token_without_an_end_is_good() -> None:
    assert TOKENS.read(jwt.encode({"apikey": "key"}, SECRET, "HS256")).api_key == "key"


def test_a_token_of_another_secret_is_refused() -> None:
    token = Tokens(Credentials("key", "quite another secret of many bytes")).issue(now())
    with pytest.raises(TokenError, match="Signature verification failed"):
        TOKENS.read(token)


def test_a_token_of_another_key_is_refused() -> None:
    token = Tokens(Credentials("another", SECRET)).issue(now())
    with pytest.raises(TokenError, match="apikey is not ours"):
        TOKENS.read(token)


@pytest.mark.parametrize("claims", [{}, {"apikey": None}])
def test_a_token_without_an_apikey_is_refused(claims: dict[str, Any]) -> None:
    with pytest.raises(TokenError, match="apikey"):
        TOKENS.read(signed({"permissions": ["allow_join"], **claims}))


@pytest.mark.parametrize("api_key", ["", 5, True, ["key"], {"key": "key"}, "KEY", " key"])
def test_a_token_of_an_apikey_that_nobody_has_is_refused(api_key: object) -> None:
    with pytest.raises(TokenError, match="apikey is not ours"):
        TOKENS.read(signed({"apikey": api_key}))


@pytest.mark.parametrize("api_key", ["key", "other", "neither"])
def test_an_unsigned_token_is_refused(api_key: str) -> None:
    token = jwt.encode({"apikey": api_key, "permissions": ["allow_mod"]}, "", "none")
    with pytest.raises(TokenError, match="not"):
        SEVERAL.read(token)


def test_a_secret_is_never_taken_for_a_public_key() -> None:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    token = jwt.encode({"apikey": "key", "exp": now() + timedelta(hours=1)}, private, "RS256")
    with pytest.raises(TokenError, match="alg"):
        TOKENS.read(token)


# --- several keys


def test_a_token_of_any_accepted_key_is_read_and_says_whose_it_is() -> None:
    ours, theirs = SEVERAL.issue(now()), signed({"apikey": "other"}, OTHER_SECRET)
    assert [SEVERAL.read(token).api_key for token in (ours, theirs)] == ["key", "other"]


@pytest.mark.parametrize(("api_key", "secret"), [("key", OTHER_SECRET), ("other", SECRET)])
def test_a_key_goes_with_its_own_secret_alone(api_key: str, secret: str) -> None:
    with pytest.raises(TokenError, match="Signature verification failed"):
        SEVERAL.read(signed({"apikey": api_key}, secret))


def test_a_key_that_is_no_longer_accepted_opens_nothing() -> None:
    with pytest.raises(TokenError, match="apikey is not ours"):
        TOKENS.read(signed({"apikey": "other"}, OTHER_SECRET))


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


@pytest.mark.parametrize(
    "garbage",
    [
        *("x", "..", "a.b.c", "e30.e30.e30", "é.é.é", "W" * 5000 + ".e30.x", "x" * 60_000),
        strange("{}", "[" * 20_000),
        strange("[" * 20_000, "{}"),
        strange('{"alg": ["HS256"]}', '{"apikey": "key"}'),
        strange('{"alg": "HS256", "crit": ["b64"], "b64": false}', '{"apikey": "key"}'),
        strange('{"alg": "HS256"}', '{"apikey": ' + "9" * 20_000 + "}"),
        strange('{"alg": "HS256"}', '"apikey"'),
    ],
)
def test_garbage_is_refused(garbage: str) -> None:
    with pytest.raises(TokenError):
        TOKENS.read(garbage)


@given(st.text(st.characters(codec="utf-8"), max_size=60))
def test_nothing_but_a_token_error_comes_of_any_text(text: str) -> None:
    with pytest.raises(TokenError):
        TOKENS.read(text)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec="utf-8"), max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["rtc", "a"]), inner, max_size=2),
    max_leaves=4,
)
_CLAIMS = ("exp", "iat", "nbf", "aud", "sub", "jti", "permissions", "roles", "role", "roomId", "participantId")


@given(st.dictionaries(st.sampled_from(_CLAIMS), _JSON))
def test_claims_of_any_kind_are_read_or_refused_and_nothing_else(claims: dict[str, Any]) -> None:
    with contextlib.suppress(TokenError):
        assert TOKENS.read(jwt.encode({"apikey": "key", **claims}, SECRET, "HS256")).api_key == "key"


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


@pytest.mark.parametrize(
    ("claims", "moderates"),
    [
        ({"permissions": ["allow_mod"]}, True),
        ({"permissions": ["ask_join"], "roles": ["crawler"]}, True),
        ({"permissions": ["allow_join"]}, False),
        ({"permissions": ["allow_join"], "roles": ["rtc"]}, False),
    ],
)
def test_who_moderates_or_is_a_server_is_told_from_others(claims: dict[str, Any], moderates: bool) -> None:
    assert identity(**claims).moderates is moderates


@pytest.mark.parametrize(
    "claims", [{"roles": ["rtc"]}, {"roles": "rtc"}, {"role": "rtc"}, {"role": ["rtc"]}, {"roles": "RTC"}]
)
def test_roles_come_as_a_list_as_a_string_and_as_role(claims: dict[str, Any]) -> None:
    assert identity(**claims).roles == {"rtc"}


@pytest.mark.parametrize("claims", [{"roles": ["CRAWLER"]}, {"role": "Crawler"}, {"roles": [], "role": "crawler"}])
def test_a_role_is_written_in_any_case(claims: dict[str, Any]) -> None:
    assert identity(**claims).roles == {"crawler"}


def test_a_token_needs_neither_version_nor_roles() -> None:
    claims = {"apikey": "key", "permissions": ["allow_join"], "iat": now(), "exp": now() + timedelta(hours=1)}
    plain = TOKENS.read(jwt.encode(claims, SECRET, "HS256"))
    plain.require_rest()
    plain.require_join("r")
    assert (plain.role, plain.roles) == ("user", frozenset())


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
    assert TOKENS.read(token) == Identity(frozenset(permissions), frozenset(), room_id, api_key="key")
