"""Words about consent: each reaches the log, in its order, whatever else goes on."""

from __future__ import annotations

import pytest

from services.gateway.signaling import connection
from services.gateway.signaling.rate_limit import BURST
from shared.contracts.consent import ConsentGiven, ConsentSaid, ConsentWithdrawn
from shared.contracts.recording import RecordingRequested
from shared.contracts.room import ParticipantLeft
from shared.eventsourcing import insisting
from tests.support.eventually import eventually
from tests.unit.gateway.signaling.house import Client, Gateway, House


def says_consent(client: Client, *, consent: bool, **more: object) -> None:
    client.says("recording", action="set_consent", consent=consent, **more)


async def test_a_word_is_in_the_log_with_the_text_that_was_shown(house: House, gateway: Gateway) -> None:
    ann = await gateway.joined("ann")
    says_consent(ann, consent=True, text_version="2030-05")
    (given,) = await house.until_written(ConsentGiven)
    assert (given.participant_id, given.text_version) == ("ann", "2030-05")


async def test_others_are_told_and_the_speaker_is_not(gateway: Gateway) -> None:
    ann, bob = await gateway.joined("ann"), await gateway.joined("bob")
    says_consent(ann, consent=True)
    assert (await bob.hears("update"))["recording"] == {"consents_recording": True}
    await ann.is_heard()
    assert ann.messages == ["join_success", "joined", "echo ping"]


async def test_words_are_in_the_log_in_the_order_in_which_they_were_said(house: House, gateway: Gateway) -> None:
    ann = await gateway.joined("ann")
    said = [bool(number % 3) for number in range(60)]
    for number, consent in enumerate(said):
        says_consent(ann, consent=consent, text_version=f"v{number}")
    words = await house.until_written(ConsentSaid, len(said))
    assert [word.text_version for word in words] == [f"v{number}" for number in range(len(said))]
    assert [isinstance(word, ConsentGiven) for word in words] == said
    assert [word.at for word in words] == sorted({word.at for word in words})


async def test_a_word_that_is_held_up_is_not_overtaken_by_the_next(house: House, gateway: Gateway) -> None:
    ann = await gateway.joined("ann")
    house.log.refusals = 1
    says_consent(ann, consent=True)
    says_consent(ann, consent=False)
    words = await house.until_written(ConsentSaid, 2)
    assert [type(word) for word in words] == [ConsentGiven, ConsentWithdrawn]


async def test_a_word_keeps_its_moment_while_it_waits_and_holds_the_horizon(
    house: House, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(insisting, "_RETRY_SECONDS", 0.01)
    ann = await gateway.joined("ann")
    before = gateway.horizon.known_until()
    house.log.writable.clear()
    says_consent(ann, consent=True)
    says_consent(ann, consent=False)
    await ann.is_heard()
    await eventually(lambda: house.log.waiting)
    held = gateway.horizon.known_until()
    assert gateway.horizon.known_until() == held > before
    house.log.writable.set()
    words = await house.until_written(ConsentSaid, 2)
    assert [type(word) for word in words] == [ConsentGiven, ConsentWithdrawn]
    assert held < words[0].at < words[1].at
    await eventually(lambda: gateway.horizon.known_until() > words[1].at)


async def test_a_word_is_said_again_until_it_is_in_the_log(
    house: House, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(insisting, "_RETRY_SECONDS", 0.01)
    monkeypatch.setattr(gateway.owners, "_timeout", 0.05)
    ann = await gateway.joined("ann")
    await house.consent_service.aclose()
    says_consent(ann, consent=True)
    await eventually(lambda: gateway.owners.unanswered >= 2)
    await house.consent_begins()
    assert len(await house.until_written(ConsentGiven)) == 1
    await ann.is_heard()
    assert "recording internal" not in ann.messages


async def test_a_withdrawal_does_not_wait_for_a_start_that_is_not_in_the_log_yet(
    house: House, gateway: Gateway
) -> None:
    mona = await gateway.joined("mona", "moderator")
    says_consent(mona, consent=True)
    house.log.hold("recording-")
    mona.says("recording", action="start")
    says_consent(mona, consent=False)
    await house.until_written(ConsentWithdrawn)
    assert await house.written(RecordingRequested) == []
    house.log.writable.set()


# --- the limit


async def test_a_withdrawal_is_heard_while_so_much_is_under_way_that_nothing_else_is(
    house: House, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "_AT_ONCE", 3)
    mona = await gateway.joined("mona", "moderator")
    says_consent(mona, consent=True)
    await house.until_written(ConsentGiven)
    house.log.hold("recording-")
    for _ in range(4):
        mona.says("recording", action="start")
    await mona.hears("rate_limit_exceeded")
    says_consent(mona, consent=False)
    await house.until_written(ConsentWithdrawn)
    house.log.writable.set()


async def test_a_withdrawal_is_never_dropped_by_the_limit(house: House, gateway: Gateway) -> None:
    ann = await gateway.joined("ann")
    says_consent(ann, consent=True)
    for _ in range(3 * BURST):
        ann.says("echo", action="ping")
    says_consent(ann, consent=False)
    await ann.hears("rate_limit_exceeded")
    assert len(await house.until_written(ConsentWithdrawn)) == 1


async def test_a_withdrawal_of_a_yes_by_an_earlier_connection_is_never_dropped(house: House, gateway: Gateway) -> None:
    earlier = await gateway.joined("ann")
    says_consent(earlier, consent=True)
    await house.until_written(ConsentGiven)
    ann = await gateway.joined("ann")
    for _ in range(3 * BURST):
        ann.says("echo", action="ping")
    says_consent(ann, consent=False)
    assert len(await house.until_written(ConsentWithdrawn)) == 1


@pytest.mark.parametrize("also", [{"text_version": "v1"}, {"more": "x" * 500}])
async def test_a_withdrawal_is_heard_however_it_is_said(
    house: House, gateway: Gateway, also: dict[str, object]
) -> None:
    ann = await gateway.joined("ann")
    says_consent(ann, consent=True)
    for _ in range(3 * BURST):
        ann.says("echo", action="ping")
    says_consent(ann, consent=False, **also)
    await house.until_written(ConsentWithdrawn)


async def test_over_the_limit_only_the_first_no_is_a_withdrawal(house: House, gateway: Gateway) -> None:
    """A flood of them is a flood."""
    ann = await gateway.joined("ann")
    says_consent(ann, consent=True)
    for _ in range(3 * BURST):
        ann.says("echo", action="ping")
    for _ in range(3 * BURST):
        says_consent(ann, consent=False)
    ann.hangs_up()
    await ann.is_over()
    assert len(await house.written(ConsentSaid)) < BURST


# --- the end


async def test_a_no_that_is_on_its_way_is_not_later_than_that_its_speaker_left(house: House, gateway: Gateway) -> None:
    ann = await gateway.joined("ann")
    says_consent(ann, consent=True)
    house.log.writable.clear()
    says_consent(ann, consent=False)
    ann.hangs_up()
    await eventually(lambda: house.log.waiting)
    assert not ann.serving.done()
    assert await house.written(ParticipantLeft) == []
    house.log.writable.set()
    await ann.is_over()
    (withdrawn,), (left,) = await house.written(ConsentWithdrawn), await house.written(ParticipantLeft)
    assert withdrawn.at == left.at
