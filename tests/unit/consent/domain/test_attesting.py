"""A server that collects consent itself vouches for a participant; their own no outweighs it."""

from __future__ import annotations

from hypothesis import given as for_all
from hypothesis import strategies as st

from services.consent.domain.consent import CONSENT, ConsentCommand, ParticipantSaidNoError
from shared.contracts.consent import AttestConsent, ConsentAttested, SetConsent, Yes
from shared.contracts.yeses import Yeses
from tests.support.moments import at
from tests.support.specification import assert_repeating_writes_nothing, given, history
from tests.unit.consent.domain.test_consent import clear, cleared, gave, no, refused, withdrew, yes


def attest(second: float, reference: str | None = "contract 1") -> AttestConsent:
    return AttestConsent(
        at=at(second), room_id="r", session_id="s", participant_id="ann", attested_by="key", reference=reference
    )


def attested(second: float, reference: str | None = "contract 1") -> ConsentAttested:
    return ConsentAttested(
        at=at(second), room_id="r", session_id="s", participant_id="ann", attested_by="key", reference=reference
    )


def test_a_server_vouches_for_who_said_nothing_and_the_log_says_which_and_on_what_record() -> None:
    given(CONSENT).when(attest(1)).then(attested(1))
    state = given(CONSENT, attested(1)).state
    assert (state.answer, state.attested_by, state.reference) == ("attested", "key", "contract 1")


def test_whose_yes_was_cleared_may_be_vouched_for() -> None:
    given(CONSENT, gave(1), cleared(2)).when(attest(3)).then(attested(3))


def test_the_text_they_last_answered_to_is_known_whoever_vouches() -> None:
    said = gave(1).model_copy(update={"text_version": "2026-11"})
    assert given(CONSENT, said, cleared(2), attested(3)).state.text_version == "2026-11"


def test_nobody_vouches_for_who_said_no_themselves() -> None:
    given(CONSENT, refused(1)).when(attest(2)).then_refused(ParticipantSaidNoError)
    given(CONSENT, gave(1), withdrew(2)).when(attest(3)).then_refused(ParticipantSaidNoError)
    given(CONSENT, attested(1), withdrew(2)).when(attest(3)).then_refused(ParticipantSaidNoError)


def test_who_said_yes_themselves_needs_nobody_to_vouch() -> None:
    given(CONSENT, gave(1)).when(attest(2)).then_nothing()


def test_the_same_attestation_is_written_once_and_one_on_another_record_again() -> None:
    given(CONSENT, attested(1)).when(attest(2)).then_nothing()
    given(CONSENT, attested(1)).when(attest(2, "contract 2")).then(attested(2, "contract 2"))


def test_their_own_yes_takes_its_place() -> None:
    given(CONSENT, attested(1)).when(yes(2)).then(gave(2))
    assert given(CONSENT, attested(1), gave(2)).state.attested_by is None


def test_a_no_withdraws_it() -> None:
    given(CONSENT, attested(1)).when(no(2)).then(withdrew(2))


def test_who_said_no_at_the_very_moment_of_a_clear_is_not_vouched_for() -> None:
    """Seen to fail with a no that counts only when it is newer: whoever had said it was recorded."""
    given(CONSENT, gave(0), cleared(1)).when(no(1)).then(refused(1))
    given(CONSENT, gave(0), cleared(1), refused(1)).when(attest(2)).then_refused(ParticipantSaidNoError)


def test_a_no_that_was_said_before_it_and_arrives_after_it_withdraws_it() -> None:
    given(CONSENT, attested(2)).when(no(1)).then(withdrew(1))


def test_one_that_arrives_after_something_newer_does_not_undo_that() -> None:
    given(CONSENT, gave(1), cleared(5)).when(attest(4)).then_nothing()
    given(CONSENT, gave(1), cleared(5)).when(attest(5)).then_nothing()


def test_it_is_cleared_like_any_yes() -> None:
    given(CONSENT, attested(1)).when(clear(9)).then(cleared(9))
    given(CONSENT, attested(10)).when(clear(9)).then_nothing()


_seconds = st.integers(0, 6)
_commands: st.SearchStrategy[list[ConsentCommand]] = st.lists(
    st.one_of([st.builds(kind, _seconds) for kind in (yes, no, clear, attest)]), max_size=12
)


@for_all(_commands)
def test_a_repeated_command_writes_nothing(commands: list[ConsentCommand]) -> None:
    assert_repeating_writes_nothing(CONSENT, commands)


@for_all(_commands)
def test_after_a_no_nobody_consents_but_by_a_yes_of_their_own(commands: list[ConsentCommand]) -> None:
    """Whatever servers say in between, and however late what they say arrives."""
    consents = CONSENT.fold(history(CONSENT, commands)).is_yes
    words = [command for command in commands if isinstance(command, SetConsent)]
    noes = [word.at for word in words if not word.consent]
    if noes and not any(word.consent and word.at > max(noes) for word in words):
        assert not consents


@for_all(_commands)
def test_the_state_and_the_yeses_that_everybody_folds_say_the_same(commands: list[ConsentCommand]) -> None:
    yeses = Yeses()
    for event in history(CONSENT, commands):
        yeses = yeses.after(event)
    assert yeses.holds("ann") == CONSENT.fold(history(CONSENT, commands)).is_yes


def test_it_counts_as_a_yes_wherever_yeses_are_told_apart() -> None:
    assert isinstance(attested(1), Yes)
    assert Yeses().after(attested(1)).holds("ann")
