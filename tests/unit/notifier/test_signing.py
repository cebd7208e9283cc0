"""What receivers check: by VideoSDK's documented means, and by those of Standard Webhooks."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64decode, b64encode
from uuid import UUID

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from services.notifier.signing import Signer, _mac
from shared.runtime.signing_keys import SigningKey
from tests.support.moments import at

KEY = SigningKey(generate_private_key(public_exponent=65537, key_size=2048))
ID = UUID(int=7)
BODY = '{"webhookType":"recording-started","data":{"meetingId":"grüße"}}'.encode()
NEW, OLD = b"n" * 32, b"o" * 24


def test_the_public_key_that_is_given_out_verifies_the_body() -> None:
    headers = Signer(KEY, (NEW,)).headers(ID, BODY, at())
    public = load_pem_public_key(KEY.public_pem().encode())
    assert isinstance(public, RSAPublicKey)
    signature = b64decode(headers["videosdk-signature"], validate=True)
    public.verify(signature, BODY, PKCS1v15(), SHA256())
    with pytest.raises(InvalidSignature):
        public.verify(signature, BODY + b" ", PKCS1v15(), SHA256())


def test_each_secret_verifies_id_moment_and_body() -> None:
    headers = Signer(KEY, (NEW, OLD)).headers(ID, BODY, at(90))
    assert headers["webhook-id"] == str(ID)
    assert headers["webhook-timestamp"] == str(int(at(90).timestamp()))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + BODY
    macs = [b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode() for secret in (NEW, OLD)]
    assert headers["webhook-signature"] == f"v1,{macs[0]} v1,{macs[1]}"


def test_the_signature_is_the_one_that_standard_webhooks_gives_as_its_example() -> None:
    """A fixed value: both sides of the test above could be wrong in the same way."""
    secret = b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    signed = b'msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{"test": 2432232314}'
    assert _mac(secret, signed) == "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_later_attempt_has_the_same_body_signature_and_id() -> None:
    signer = Signer(KEY, (NEW,))
    first, second = signer.headers(ID, BODY, at()), signer.headers(ID, BODY, at(300))
    assert first["videosdk-signature"] == second["videosdk-signature"]
    assert first["webhook-id"] == second["webhook-id"]
    assert first["webhook-signature"] != second["webhook-signature"]


def test_the_body_is_said_to_be_json() -> None:
    assert Signer(KEY, (NEW,)).headers(ID, BODY, at())["content-type"] == "application/json"
