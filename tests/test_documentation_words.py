"""The documentation is easy to read: short sentences, hardly a semicolon, the field's words."""

from __future__ import annotations

import re

import pytest

from tests.documentation import Page, all_pages, words

PAGES = all_pages()
MOST_WORDS = 20
"""Mean of a page's sentences."""
MOST_SEMICOLONS = 4
"""Of 1,000 words; one is allowed on a short page."""
OWN_WORDS = {
    r"vot(e|es|ed|er|ers|ing)": "ensemble, member",
    r"ladders?|rungs?": "baselines",
    r"diary": "the original experiments",
    r"chang(e|es|ed|ing) hands|change of hands": "is reassigned",
    r"tickets?": "enqueued trial",
    r"stop(s|ped)? early": "pruned",
    r"(gives?|gave|given|giving) (it |its trial |their trials |the trial |trials )?back": "requeue, requeued",
    r"hand(s|ed)? over|hands you": "exports",
    r"mend(s|ed)?": "fix, fixed",
    r"by heart": "overfit check",
    r"carr(y|ies|ied) over": "warm start, take over",
    r"sign of life": "heartbeat",
    r"place on a GPU|places": "slot, positions",
    r"behind a wall": "the test split is never read during a search",
    r"opening of the test split": "test-split access",
    r"podium|verdict|courier|leftovers|rehearsal|surroundings|workplace": "see the vocabulary",
    r"legible|weighs|weighing": "sanitized, model cost",
}
"""A dialect of ours, and what the field says."""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_sentences_are_short(page: Page) -> None:
    lengths = [len(words(sentence)) for sentence in page.sentences]
    longest = max(page.sentences, key=lambda sentence: len(words(sentence)))
    assert sum(lengths) / len(lengths) <= MOST_WORDS, f"The longest sentence: {longest}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_semicolons_are_rare(page: Page) -> None:
    found = page.words_of_people.count(";")
    assert found <= max(1, MOST_SEMICOLONS * len(words(page.words_of_people)) / 1000)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_words_are_the_fields(page: Page) -> None:
    text = " ".join(page.words_of_people.split())
    found = {own: right for own, right in OWN_WORDS.items() if re.search(rf"\b({own})\b", text, re.I)}
    assert found == {}
