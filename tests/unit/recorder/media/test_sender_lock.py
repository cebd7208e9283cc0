"""Whose media a track takes."""

from __future__ import annotations

from services.recorder.media.sender_lock import SILENCE_NS, SenderLock

SFU, SAME_HOST, STRANGER = ("10.0.0.1", 4000), ("10.0.0.1", 4001), ("10.0.0.9", 4000)


def test_media_is_taken_from_the_address_of_the_first_packet_alone() -> None:
    lock = SenderLock()
    assert lock.admits(SFU, 0)
    assert not lock.admits(STRANGER, 1)
    assert not lock.admits(SAME_HOST, 2)
    assert lock.admits(SFU, 3)
    assert (lock.sender, lock.strangers) == (SFU, 2)


def test_another_address_is_taken_when_the_first_one_has_been_silent() -> None:
    lock = SenderLock()
    lock.admits(SFU, 0)
    lock.admits(SFU, 1000)
    assert not lock.admits(STRANGER, 999 + SILENCE_NS)
    assert lock.admits(STRANGER, 1000 + SILENCE_NS)
    assert not lock.admits(SFU, 1001 + SILENCE_NS), "then that one is the stranger"


def test_however_much_a_stranger_sends_the_sender_is_not_silent_by_that() -> None:
    lock = SenderLock()
    lock.admits(SFU, 0)
    assert not any(lock.admits(STRANGER, at) for at in range(0, SILENCE_NS, SILENCE_NS // 50))
    assert lock.admits(STRANGER, SILENCE_NS)


def test_media_that_is_announced_anew_may_come_from_elsewhere_at_once() -> None:
    lock = SenderLock()
    lock.admits(SFU, 0)
    lock.open()
    assert lock.sender is None
    assert lock.admits(STRANGER, 1)


def test_reports_are_of_the_same_host_whichever_port_they_come_from() -> None:
    lock = SenderLock()
    assert lock.admits_report(STRANGER), "there is nobody yet whose they are not"
    lock.admits(SFU, 0)
    assert lock.admits_report(SAME_HOST)
    assert not lock.admits_report(STRANGER)
    assert lock.strangers == 1
