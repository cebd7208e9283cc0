"""Only public addresses may be posted to, however they are written."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.adapters.addresses import may_be_posted_to

PRIVATE_V4 = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
]
PRIVATE_V6 = [
    "::",
    "::1",
    "::7f00:1",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:2::1",
    "2001:10::1",
    "2001:db8::1",
    "3fff::1",
    "4000::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
]
PUBLIC = ["1.1.1.1", "8.8.8.8", "172.15.255.255", "172.32.0.0", "2606:4700::1111", "2a00:1450:4001::200e"]


@pytest.mark.parametrize("address", [*PRIVATE_V4, *PRIVATE_V6])
def test_an_address_that_is_not_public_may_not_be_posted_to(address: str) -> None:
    assert not may_be_posted_to(ip_address(address), ())


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_one_may(address: str) -> None:
    assert may_be_posted_to(ip_address(address), ())


def mapped(address: IPv4Address) -> IPv6Address:
    return IPv6Address(f"::ffff:{address}")


def six_to_four(address: IPv4Address) -> IPv6Address:
    return IPv6Address((0x2002 << 112) | (int(address) << 80) | 1)


def nat64(address: IPv4Address) -> IPv6Address:
    return IPv6Address(int(IPv6Address("64:ff9b::")) | int(address))


def teredo_client(address: IPv4Address) -> IPv6Address:
    return IPv6Address((0x20010000 << 96) | (int(IPv4Address("8.8.8.8")) << 64) | (int(address) ^ 0xFFFF_FFFF))


def teredo_server(address: IPv4Address) -> IPv6Address:
    return IPv6Address((0x20010000 << 96) | (int(address) << 64) | (int(IPv4Address("8.8.8.8")) ^ 0xFFFF_FFFF))


@pytest.mark.parametrize("wrap", [mapped, six_to_four, nat64, teredo_client, teredo_server])
@pytest.mark.parametrize("address", PRIVATE_V4)
def test_an_address_that_carries_such_a_one_may_not(wrap: object, address: str) -> None:
    assert callable(wrap)
    assert not may_be_posted_to(wrap(IPv4Address(address)), ())


@pytest.mark.parametrize("wrap", [mapped, six_to_four, nat64])
def test_an_address_that_carries_a_public_one_may(wrap: object) -> None:
    assert callable(wrap)
    assert may_be_posted_to(wrap(IPv4Address("8.8.8.8")), ())


def test_a_network_that_is_allowed_may_and_its_neighbours_may_not() -> None:
    allowed = (ip_network("10.1.0.0/16"), ip_network("fd00::/64"))
    assert may_be_posted_to(ip_address("10.1.255.255"), allowed)
    assert may_be_posted_to(ip_address("::ffff:10.1.0.1"), allowed)
    assert may_be_posted_to(ip_address("fd00::1"), allowed)
    assert not may_be_posted_to(ip_address("10.2.0.0"), allowed)
    assert not may_be_posted_to(ip_address("fd00:0:0:1::1"), allowed)
    assert may_be_posted_to(ip_address("8.8.8.8"), allowed)


@given(st.ip_addresses(v=4))
def test_wrapping_makes_nothing_public(address: IPv4Address) -> None:
    for wrap in (mapped, six_to_four, nat64):
        assert may_be_posted_to(wrap(address), ()) is may_be_posted_to(address, ())
