"""What people mean who text back: a labelled corpus, and STOP in every disguise."""

from collections import Counter
from collections.abc import Callable
from datetime import date

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from campaigns.compliance.replies import Meaning, understand
from tests.data import REPOSITORY

TODAY = date(2026, 9, 30)
CORPUS: dict[str, list[str]] = yaml.safe_load((REPOSITORY / "tests/compliance/replies.yaml").read_text())
KEYWORDS = ("stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout", "opt out", "arret", "remove")


@pytest.mark.parametrize("label", CORPUS)
def test_the_corpus_is_understood(label: str) -> None:
    wrong = {text: understand(text, on=TODAY) for text in CORPUS[label] if understand(text, on=TODAY).meaning != label}

    assert wrong == {}


def test_the_corpus_is_large_enough_to_mean_something() -> None:
    sizes = Counter({label: len(texts) for label, texts in CORPUS.items()})

    assert set(sizes) == set(Meaning)
    assert sizes["opt_out"] >= 80
    assert sizes["other"] >= 40
    assert sizes.total() >= 150


def disguised(word: str) -> st.SearchStrategy[str]:
    """A word in any case, spelt out, full-width, with marks that nobody sees, doubled letters, decoration around it."""
    wide = {chr(code): chr(code + 0xFEE0) for code in range(0x21, 0x7F)}
    changes: st.SearchStrategy[Callable[[str], str]] = st.sampled_from([str.upper, str.lower])
    letter = st.tuples(changes, st.booleans(), st.integers(1, 3))
    gap = st.sampled_from(["", "", " ", "\u200b", "\u200d", "\u2060", "\u0301", "\ufe0f"])
    around = st.sampled_from(["", " ", "!", "!!!", ".", "“", "”", '"', "'", "🛑", "🙏 ", "\n", " - ", "*", "…"])

    def written(told: tuple[list[tuple[Callable[[str], str], bool, int]], list[str], str, str]) -> str:
        letters, gaps, before, after = told
        text = ""
        for character, (change, is_wide, times), between in zip(word, letters, gaps, strict=True):
            one = change(character)
            text += (wide.get(one, one) if is_wide else one) * times + between
        return before + text + after

    size = len(word)
    return st.tuples(
        st.lists(letter, min_size=size, max_size=size), st.lists(gap, min_size=size, max_size=size), around, around
    ).map(written)


@given(text=st.sampled_from(KEYWORDS).flatmap(disguised))
@example(text="Ѕ Т О Р")
@example(text="s\u0336t\u0336o\u0336p\u0336")
def test_a_stop_is_known_in_every_disguise(text: str) -> None:
    assert understand(text, on=TODAY).meaning == Meaning.OPT_OUT


@given(
    text=st.sampled_from(CORPUS["opt_out"]),
    signature=st.sampled_from(["", "\nSent from my iPhone", "\n--\nMaria", "\n> Oak & Sons: Reply STOP to opt out"]),
    shout=st.booleans(),
)
def test_a_signature_a_quotation_or_capitals_change_nothing(text: str, signature: str, shout: bool) -> None:
    assert understand((text.upper() if shout else text) + signature, on=TODAY).meaning == Meaning.OPT_OUT


@given(text=st.text(max_size=300))
def test_nothing_that_can_be_written_breaks_it(text: str) -> None:
    assert understand(text, on=TODAY).meaning in Meaning


def test_yes_takes_back_a_stop_and_answers_a_question_otherwise() -> None:
    assert understand("YES", on=TODAY, opted_out=True).meaning == Meaning.START
    assert understand("YES", on=TODAY).meaning == Meaning.OTHER
    assert understand("Please start texting me again", on=TODAY, opted_out=True).meaning == Meaning.START


def test_a_keyword_holds_from_its_day_on() -> None:
    assert understand("revoke", on=date(2025, 4, 10)).meaning != Meaning.OPT_OUT
    assert understand("revoke", on=date(2025, 4, 11)).meaning == Meaning.OPT_OUT
