"""Every message has its Japanese sentence, and the other way round."""

import json
import re
import string

import pytest
from said_helpers import NOT_SAID, PACKAGE, figure_sentences, is_message, page_letters, page_sentences, templates

from study_classification.language.translate import catalogue

CONTENT = json.loads((PACKAGE / "language" / "ja.json").read_text(encoding="utf-8"))
GLOSSARY = PACKAGE.parent / "docs" / "course" / "glossary.md"
SENTENCES = CONTENT["sentences"] | CONTENT["libraries"]
FOUND = templates()
IN_FIGURES = figure_sentences()
ON_PAGES = page_sentences() | IN_FIGURES


def test_every_message_is_in_the_catalogue():
    lacking = {text for text in FOUND if is_message(text)} - {*SENTENCES, *CONTENT["words"], *IN_FIGURES, *NOT_SAID}
    assert not lacking, "add these to language/ja.json, or to NOT_SAID if nobody reads them"


def test_every_sentence_of_a_page_or_figure_is_in_the_catalogue():
    assert not ON_PAGES - set(CONTENT["pages"]) - set(SENTENCES), "add these to language/ja.json"
    assert not set(CONTENT["pages"]) - ON_PAGES
    assert not any(page_letters().values()), "say these through _"


def test_no_entry_is_unused():
    assert not set(CONTENT["sentences"]) - set(FOUND) - ON_PAGES
    assert not NOT_SAID - set(FOUND) - ON_PAGES
    assert not NOT_SAID & set(CONTENT["sentences"])
    words = set(CONTENT["words"])
    assert not words - set(FOUND) - {word.removesuffix("s") for word in words}  # one of several is said by noun[:-1]


@pytest.mark.parametrize("section", ["sentences", "libraries", "pages"])
def test_each_sentence_has_the_same_values(section):
    for english, japanese in CONTENT[section].items():
        fields = [(name, kind) for _, name, kind, _ in string.Formatter().parse(japanese) if name is not None]
        assert sorted(name for name, _ in fields) == sorted(map(str, range(english.count("{}")))), english
        assert all(re.fullmatch(r"|word|number|name|list|[<>]\d+", kind) for _, kind in fields), english


def test_each_sentence_is_japanese():
    letters = re.compile(r"[぀-ヿ一-鿿]")
    alike = {english for english, japanese in SENTENCES.items() if not letters.search(japanese)}
    assert all(not re.search(r"[A-Za-z]{4,} [a-z]{2,}", SENTENCES[english]) for english in alike), alike


@pytest.mark.parametrize(
    "term",
    [
        "Over-fitting",
        "accuracy {}",
        "precision {}",
        "recall {}",
        "confusion matrix",
        "checkpoint {}",
        "run directory",
        "data set",
        "learning rates",
    ],
)
def test_a_term_has_the_word_of_the_glossary(term):
    rows = [line.split("|") for line in GLOSSARY.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    words = {row[1].strip(): row[2].strip() for row in rows}
    word = words[term.lower().removesuffix(" {}").removesuffix("s")]
    sentences = {english: japanese for english, japanese in CONTENT["sentences"].items() if f" {term}" in f" {english}"}
    assert sentences
    assert all(word in japanese for japanese in sentences.values()), sentences


def test_each_sentence_is_found_again():
    """No other entry takes a sentence with plain values, so the right one says it."""
    ja = catalogue("ja")
    for english, japanese in SENTENCES.items():
        kinds = {name: kind for _, name, kind, _ in string.Formatter().parse(japanese) if name is not None}
        examples = {"word": "pictures", "number": "7", "": "q{}", "list": "q{}", "name": "q{}"}
        values = [examples.get(kinds[str(i)], "pictures").format(i) for i in range(english.count("{}"))]
        text = "".join(map("".join, zip(english.split("{}"), [*values, ""], strict=True)))
        shown = [ja.words.get(value, value) for value in values]
        plain = re.sub(r"\{(\d+):(word|number|name|list)\}", r"{\1}", japanese)
        assert re.sub(" +", " ", ja.translate(text)) == re.sub(" +", " ", plain.format(*shown)), english
