"""Captions in Markdown lose their marks and nothing else."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glimpsed.reading.markdown import plain
from glimpsed.reading.texts import LIMIT, clean


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("# Sunset *over* the **sea**\n\nWith [Anna](https://example.org/a_b) and ![a dog](dog.jpg).",
         "Sunset over the sea\nWith Anna and a dog."),
        ("---\ntitle: x\n---\nThe `old` harbour", "The old harbour"),
        ("Title\n=====\n\n- one\n- two\n3. three\n> said", "Title\none\ntwo\nthree\nsaid"),
        ("see [this][1]\n\n[1]: https://example.org", "see this"),
        ("## Lake ##\r\n\r\n***\r\n<!-- draft -->by night", "Lake\nby night"),
        ("snake_case_name and 3*4*5, C# 10 - 7", "snake_case_name and 3*4*5, C# 10 - 7"),
        (f"![a boat](data:image/png;base64,{'iVBORw0KGgo' * 5_000}) at sea", "a boat at sea"),
        ("~~old~~ __new__ _word_", "old new word"),
    ],
)  # fmt: skip
def test_words_without_marks(text: str, words: str) -> None:
    assert clean(plain(text)) == words


@pytest.mark.parametrize("mark", ["[", "[x](", "<!--", "**a ", "_a ", "`a", "(data:"])
def test_marks_that_are_never_closed_do_not_hold_a_reading_up(mark: str) -> None:
    assert len(clean(plain(mark * 200_000))) <= LIMIT  # which took hours


@settings(deadline=None, max_examples=100)
@given(
    st.lists(st.sampled_from(["fish", "ラーメン", "10", "Öl"]), min_size=1),
    st.sampled_from(["# ", "> ", "- ", "1. ", ""]),
)
def test_no_word_is_lost(words: list[str], before: str) -> None:
    assert clean(plain(before + " ".join(words))).split() == words
