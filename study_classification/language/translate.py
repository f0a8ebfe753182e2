"""English text becomes text of the chosen language, sentence by sentence, by a catalogue.

A catalogue maps an English sentence, with {} for each inserted value, to a sentence with {0}, {1}, ... for the values
in any order. A value may be a sentence itself, such as the reason within an error, and is translated as well. A name of
the user's stays, for it is no sentence of the catalogue. A placeholder may say more of its value:

    {0:word}     it is a single word of the program's, such as `pictures`
    {0:>8}       likewise, put to the right of a column of so many columns of the terminal; {0:<8} to the left
    {0:number}   it is a number
    {0:name}     it is a name of the program's, such as a field, and so has no blank
    {0:list}     it is a list in English, such as `a, b and c`, and is joined as the language does

A text is a sentence only if its words and numbers are such. What has no entry stays English.
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
_CLAUSES, _NAMES = re.compile(r", (?:and|or) "), re.compile(r", | and | or ")  # what parts the items of a list
_GAP = re.compile(r"( {2,})")  # what parts the columns of a table
_language = "en"


def speak(language: str) -> None:
    """From now on the program speaks this language, one of `choice.LANGUAGES`."""
    global _language
    _language = language


def spoken() -> str:
    """The language that the program speaks."""
    return _language


def translated(text: str) -> str:
    """The text in the language that the program speaks."""
    return in_singular(text) if _language == "en" else catalogue(_language).translate(text)


def said_on_page(text: str, *values: object) -> str:
    """A sentence of a page, {} filled with the values, in the language that the program speaks."""
    return in_singular(text.format(*values)) if _language == "en" else catalogue(_language).fill(text, values)


@cache
def catalogue(language: str) -> "Catalogue":
    """The catalogue of a language other than English."""
    content = json.loads(resources.files(__package__).joinpath(f"{language}.json").read_text(encoding="utf-8"))
    return Catalogue(content["sentences"] | content["libraries"], content["words"], content["pages"])


class Catalogue:
    """Sentences and words of a language.

    Args:
        sentences: English -> the other language, as described above.
        words: single words of the program's, likewise.
        pages: what templates of pages say. They name their sentences, so single words can be among these, which in a
            message might be names of the user's.
    """

    def __init__(self, sentences: dict[str, str], words: dict[str, str], pages: Mapping[str, str] = {}):
        self.words, self._pages = words, pages
        self._fixed = {english: other.format() for english, other in sentences.items() if "{}" not in english}
        templates = [_Template(english, other, words) for english, other in sentences.items() if "{}" in english]
        # A label is taken off first: else the value before another sentence's first word would begin with it.
        self._templates = sorted(templates, key=lambda template: (not template.is_label, -template.length))

    def has(self, text: str) -> bool:
        """Whether the text is a sentence without values."""
        return text in self._fixed

    def translate(self, text: str) -> str:
        """The text, as far as it is in the catalogue: as one sentence, else by its lines, columns and clauses."""
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
        """A sentence of a page with its values; one that pages have not to themselves is found as a message is."""
        if text not in self._pages:
            return self.translate(text.format(*values))
        return self._pages[text].format(*(_Value(str(value), self) for value in values))

    def _translate_columns(self, line: str) -> str:
        """Each column by itself. The next one stays where it is, as long as there is a blank between them."""
        *cells, last = _GAP.split(line)
        for place in range(0, len(cells), 2):
            cell = self.translate(cells[place])
            spaces = _width(cells[place] + cells[place + 1]) - _width(cell)
            cells[place : place + 2] = cell, " " * max(1 if cell else 0, spaces)
        return "".join(cells) + self.translate(last)


class _Value(str):
    """An inserted value, which is translated as its placeholder says."""

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
        length: how many characters of the English one are literal.
        is_label: whether it is one word, and what it is said of.
    """

    def __init__(self, english: str, other: str, words: dict[str, str]):
        self.other = other
        self._english, self._words = english, words
        self._parts = english.split("{}")
        self.length = sum(map(len, self._parts))
        self.is_label = _LABEL.fullmatch(english) is not None

    def match(self, text: str) -> tuple[str, ...] | None:
        """The values with which this sentence is the text; None if it is another one."""
        if not (text.startswith(self._parts[0]) and text.endswith(self._parts[-1])):
            return None
        if not all(part in text for part in self._parts):
            return None
        found = self._pattern.fullmatch(text)
        return found.groups() if found else None

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        """The sentence as a regular expression.

        A value at its beginning or end holds no line break, for then the text is more than this sentence; unless it
        stands at the same end of the other sentence, where the lines keep their order.
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
    from rich.cells import cell_len  # which English runs do not pay for

    return cell_len(text)


def _aligned(text: str, width: int, align: str) -> str:
    spaces = " " * (width - _width(text))
    return spaces + text if align == ">" else text + spaces
