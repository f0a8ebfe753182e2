"""Translates English text into the chosen language, sentence by sentence, by a catalogue.

A catalogue maps an English sentence, with {} for each inserted value, to a sentence with {0}, {1}, ... for the values
in any order. A value may be a sentence itself, such as the reason in an error; then it is translated as well. A user's
name stays, for it is no sentence of the catalogue. A placeholder may say more about its value:

    {0:word}     it is a single word of the program, such as `pictures`
    {0:>8}       it is such a word, at the right of 8 columns of the terminal; {0:<8} at the left
    {0:number}   it is a number
    {0:name}     it is a name of the program, such as a field, and so has no blank
    {0:list}     it is an English list, such as `a, b and c`, which is joined as in the other language

A text matches a sentence only if its words and numbers are what the placeholders say. A text without an entry stays
English.
"""

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache, cached_property
from importlib import resources
from string import Formatter

from study_classification.language.singular import in_singular

_PLACE = re.compile(r"\{(\d+):?([^}]*)\}")
_LABEL = re.compile(r"\w+: \{\}")  # an entry such as `error: {}`
_CLAUSES, _NAMES = re.compile(r", (?:and|or) "), re.compile(r", | and | or ")  # separators of the items of a list
_GAP = re.compile(r"( {2,})")  # separators of the columns of a table
_language = "en"


def speak(language: str) -> None:
    """Sets the language of the program, one of `choice.LANGUAGES`."""
    global _language
    _language = language


def spoken() -> str:
    """The language of the program."""
    return _language


def translated(text: str) -> str:
    """The text in the language of the program."""
    return in_singular(text) if _language == "en" else catalogue(_language).translate(text)


def said_on_page(text: str, *values: object) -> str:
    """A sentence of a page or figure in the language of the program, with the values in the places of {}."""
    return in_singular(text.format(*values)) if _language == "en" else catalogue(_language).fill(text, values)


@cache
def catalogue(language: str) -> "Catalogue":
    """The catalogue of a language other than English."""
    content = json.loads(resources.files(__package__).joinpath(f"{language}.json").read_text(encoding="utf-8"))
    return Catalogue(content["sentences"] | content["libraries"], content["words"], content["pages"])


class Catalogue:
    """The sentences and words of a language.

    Args:
        sentences: English -> the other language, as described above.
        words: single words of the program -> the other language.
        pages: sentences of figures and of the templates of pages. They may be single words, for templates name them
            exactly. In a message a single word might be a user's name.
    """

    def __init__(self, sentences: dict[str, str], words: dict[str, str], pages: Mapping[str, str] = {}):
        self.words, self._pages = words, pages
        self._fixed = {english: other.format() for english, other in sentences.items() if "{}" not in english}
        templates = [_Template(english, other, words) for english, other in sentences.items() if "{}" in english]
        # Labels come first, or a value before the first word of another sentence would begin with the label.
        self._templates = sorted(templates, key=lambda template: (not template.is_label, -template.length))

    def has(self, text: str) -> bool:
        """Whether the text is a sentence without values."""
        return text in self._fixed

    def translate(self, text: str) -> str:
        """Translates the text as one sentence, else by lines, columns and clauses, as far as the catalogue has them."""
        if text in self._fixed:
            return self._fixed[text]
        for template in self._templates:  # the one with the longest literal text first
            if (values := template.match(text)) is not None:
                return template.other.format(*(_Value(value, self) for value in values))
        if "\n" in text:
            return "\n".join(map(self.translate, text.split("\n")))
        if _GAP.search(text):
            return self._translate_columns(text)
        for joint in ("; ", ": "):
            head, found, tail = text.partition(joint)
            if found:
                return f"{self.translate(head)}{joint}{self.translate(tail)}"
        if text[:1] == "(" and text[-1:] == ")":
            return f"({self.translate(text[1:-1])})"
        return text

    def fill(self, text: str, values: Sequence[object]) -> str:
        """A sentence of a page with its values. A sentence that messages have too is found as a message."""
        if text not in self._pages:
            return self.translate(text.format(*values))
        return self._pages[text].format(*(_Value(str(value), self) for value in values))

    def _translate_columns(self, line: str) -> str:
        """Translates each column by itself. The next column keeps its place if a blank is left between them."""
        *cells, last = _GAP.split(line)
        for place in range(0, len(cells), 2):
            cell = self.translate(cells[place])
            spaces = _width(cells[place] + cells[place + 1]) - _width(cell)
            cells[place : place + 2] = cell, " " * max(1 if cell else 0, spaces)
        return "".join(cells) + self.translate(last)


class _Value(str):
    """An inserted value, translated as its placeholder says."""

    _catalogue: Catalogue

    def __new__(cls, text: str, catalogue: Catalogue) -> "_Value":
        value = super().__new__(cls, text)
        value._catalogue = catalogue
        return value

    def __format__(self, spec: str) -> str:
        text, words = str(self), self._catalogue.words
        if spec in ("number", "name"):
            return text
        if spec == "word":
            return words[text.strip()]
        if spec == "list":
            parts = [text] if self._catalogue.has(text) else (_CLAUSES if _CLAUSES.search(text) else _NAMES).split(text)
            return "、".join(map(self._catalogue.translate, parts))
        if spec:
            text = text.strip()
            return _aligned(words.get(text, text), int(spec[1:]), spec[0])
        return self._catalogue.translate(text)


class _Template:
    """One entry of the catalogue with values.

    Attributes:
        other: the sentence of the other language.
        length: the number of literal characters of the English sentence.
        is_label: whether it is one word with a colon and a value.
    """

    def __init__(self, english: str, other: str, words: dict[str, str]):
        self.other = other
        self._english, self._words = english, words
        self._parts = english.split("{}")
        self.length = sum(map(len, self._parts))
        self.is_label = _LABEL.fullmatch(english) is not None

    def match(self, text: str) -> tuple[str, ...] | None:
        """The values with which this sentence is the text; None if it is not the text."""
        if not (text.startswith(self._parts[0]) and text.endswith(self._parts[-1])):
            return None
        if not all(part in text for part in self._parts):
            return None
        found = self._pattern.fullmatch(text)
        return found.groups() if found else None

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        """The sentence as a regular expression.

        A value at its beginning or end holds no line break, for then the text is more than this sentence. It may hold
        one if the value stands at the same end of the other sentence, for then the lines keep their order.
        """
        kinds = {int(number): kind for number, kind in _PLACE.findall(self.other)}
        last = len(self._parts) - 2
        pattern = re.escape(self._parts[0])
        for number, part in enumerate(self._parts[1:]):
            begins = number == 0 and not self._parts[0]
            ends = number == last and not part
            moved = (begins and not self.other.startswith("{0")) or (ends and not _ends_with(self.other, last))
            if kinds[number] == "word":
                value = f" *(?:{'|'.join(map(re.escape, self._words))}) *"
            elif kinds[number] == "number":
                value = r"[\d.,]+"
            elif kinds[number] == "name":
                value = r"\S+"
            elif kinds[number] == "list":
                value = r"[^;]*?"  # what follows a semicolon is another sentence
            else:
                value = r"[^\n]*?" if moved and "\n" not in self._english else r"(?s:.*?)"
            if begins:
                value = f"(?! ){value}"  # what is indented is a column
            pattern += f"({value}){re.escape(part)}"
        return re.compile(pattern)


def _ends_with(sentence: str, number: int) -> bool:
    """Whether its end is this placeholder."""
    *_, (_, name, _, _) = Formatter().parse(sentence)
    return name == str(number)


def _width(text: str) -> int:
    from rich.cells import cell_len  # imported here, for English runs do not need it

    return cell_len(text)


def _aligned(text: str, width: int, align: str) -> str:
    spaces = " " * (width - _width(text))
    return spaces + text if align == ">" else text + spaces
