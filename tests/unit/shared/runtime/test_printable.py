from __future__ import annotations

from shared.runtime.printable import shown


def test_ordinary_text_is_shown_as_it_is() -> None:
    assert shown("Åsa „Mod“ Öst 木 👩") == "Åsa „Mod“ Öst 木 👩"


def test_signs_that_move_the_cursor_or_turn_the_writing_around_are_not_shown() -> None:
    """Seen to fail without the replacement."""
    assert shown("\x1b[31m\u202eAnn\n") == "�[31m�Ann�"
