"""Which addresses may be posted to. Pure.

Targets are typed in by people outside, and we post from inside a network: to an address that is not public, a webhook
would be a way in (server-side request forgery).
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

#: What is handed out for hosts of the internet. RFC 4291, section 2.4; IANA has allocated nothing outside of it.
_GLOBAL_V6 = IPv6Network("2000::/3")
#: Addresses that carry one of version 4 in their last 32 bits: RFC 6052, section 2.1.
_NAT64 = IPv6Network("64:ff9b::/96")
#: What the standard library, in some version, takes for public.
_NOT_PUBLIC: tuple[Network, ...] = (
    ip_network("100.64.0.0/10"),  # shared by providers and clouds: RFC 6598
    ip_network("192.0.0.0/24"),  # of protocols, and of one cloud's metadata: RFC 6890
    ip_network("192.88.99.0/24"),  # relays of 6to4: RFC 7526
    ip_network("168.63.129.16/32"),  # a public address at which one cloud answers each of its machines
    ip_network("2001::/23"),  # of protocols, Teredo among them
    ip_network("3fff::/20"),  # for documents: RFC 9637
)


def may_be_posted_to(address: Address, allowed: Sequence[Network]) -> bool:
    """Tell whether the address, with each one that it carries within, is public or allowed."""
    return all(_is_public(each) or any(each in network for network in allowed) for each in _carried(address))


def _carried(address: Address) -> tuple[Address, ...]:
    """Return the addresses that packets to this one end at: a gateway on the way may unwrap them."""
    if isinstance(address, IPv4Address):
        return (address,)
    if address.ipv4_mapped is not None:
        return (address.ipv4_mapped,)
    if address.sixtofour is not None:
        return (address.sixtofour,)
    if address.teredo is not None:
        return address.teredo
    if address in _NAT64:
        return (IPv4Address(int(address) & 0xFFFF_FFFF),)
    return (address,)


def _is_public(address: Address) -> bool:
    if address.is_multicast or address.is_reserved or not address.is_global:
        return False
    if isinstance(address, IPv6Address) and address not in _GLOBAL_V6:
        return False
    return not any(address in network for network in _NOT_PUBLIC)
