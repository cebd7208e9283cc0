"""Checks `videosdk-signature` as RFC 8017 says, with the standard library alone."""

from __future__ import annotations

import base64
import hashlib

#: DigestInfo of SHA-256, without the digest (section 9.2, note 1).
_SHA_256 = bytes.fromhex("3031300d060960864801650304020105000420")


def is_signed(body: bytes, signature: str, public_pem: str) -> bool:
    """Tell whether it is the RSA PKCS#1 v1.5 signature of the body (section 8.2.2). The key is PKCS#1 in PEM."""
    modulus, exponent = _key(public_pem)
    size = (modulus.bit_length() + 7) // 8
    written = _SHA_256 + hashlib.sha256(body).digest()
    expected = b"\x00\x01" + b"\xff" * (size - len(written) - 3) + b"\x00" + written
    signed = int.from_bytes(base64.b64decode(signature, validate=True), "big")
    return pow(signed, exponent, modulus).to_bytes(size, "big") == expected


def _key(pem: str) -> tuple[int, int]:
    """Return modulus and exponent (appendix A.1.1)."""
    lines = pem.strip().splitlines()
    assert (lines[0], lines[-1]) == ("-----BEGIN RSA PUBLIC KEY-----", "-----END RSA PUBLIC KEY-----")
    sequence, rest = _der(base64.b64decode("".join(lines[1:-1])), 0x30)
    modulus, after = _der(sequence, 0x02)
    exponent, nothing = _der(after, 0x02)
    assert not rest
    assert not nothing
    return int.from_bytes(modulus, "big"), int.from_bytes(exponent, "big")


def _der(data: bytes, tag: int) -> tuple[bytes, bytes]:
    """Return what the first value holds, and what comes after it (X.690 section 8.1)."""
    assert data[0] == tag
    length, begin = data[1], 2
    if length & 0x80:
        begin += length & 0x7F
        length = int.from_bytes(data[2:begin], "big")
    return data[begin : begin + length], data[begin + length :]
