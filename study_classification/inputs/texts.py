"""Turns a text into the numbers of its words. The vocabulary is learnt from the training texts, and a run keeps it.

A text is brought into Unicode form NFKC and lower case. Its words are the longest runs of letters and digits, with
apostrophes inside (don't). Chinese and Japanese have no blanks between words, so every character of Han, Hiragana and
Katakana is one word. All other characters separate words and are left out.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import jax
import numpy as np
from jaxtyping import Int32

from study_classification.errors import DataError, RunError

PADDING, UNKNOWN = 0, 1  # tokens that are no word of the vocabulary, whose first word is token 2
SPECIAL = 2  # how many of these there are
_CHARACTER = "\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_LETTERS = rf"[^\W_{_CHARACTER}]+"
_WORD = re.compile(rf"[{_CHARACTER}]|{_LETTERS}(?:['’]{_LETTERS})*")


def words_of(text: str) -> list[str]:
    """The words of a text, in their order.

    >>> words_of("It's GOOD, 10/10! 面白い映画")
    ["it's", 'good', '10', '10', '面', '白', 'い', '映', '画']
    """
    return _WORD.findall(unicodedata.normalize("NFKC", text).lower())


@dataclass(frozen=True)
class TextPreprocess:
    """What happens to every text, in training, evaluation and prediction alike.

    Attributes:
        column: the column of the texts.
        words: the vocabulary; the most frequent word of the training texts comes first.
        length: how many words of a text the network sees; they are its first ones.
    """

    column: str
    words: tuple[str, ...]
    length: int

    noun: ClassVar[str] = "texts"
    key: ClassVar[str] = "tokens"  # of the values in a batch

    @property
    def shape(self) -> tuple[int]:
        """The shape [length] of a text as the network sees it."""
        return (self.length,)

    @property
    def num_tokens(self) -> int:
        """How many different tokens there are."""
        return SPECIAL + len(self.words)

    def read(self, row: Mapping[str, str]) -> Int32[np.ndarray, " length"]:
        """The tokens of a row's text, filled up with PADDING.

        Raises:
            DataError: if the row has no such column.
        """
        self.require_columns(row)
        found = [self._tokens.get(word, UNKNOWN) for word in words_of(row[self.column])[: self.length]]
        return np.array(found + [PADDING] * (self.length - len(found)), np.int32)

    def require_columns(self, names: Collection[str]) -> None:
        """Raises DataError unless the column of the texts is among these."""
        if self.column not in names:
            raise DataError(f"the column {self.column} is missing, which has the texts that the network reads")

    @cached_property
    def _tokens(self) -> dict[str, int]:
        return {word: token for token, word in enumerate(self.words, start=SPECIAL)}

    def inputs_of(self, batch: Mapping[str, jax.Array]) -> jax.Array:
        """The tokens of a batch, int32 [b, length]."""
        return batch[self.key]

    def describe(self) -> str:
        """The vocabulary as text for the user."""
        return (
            f"Vocabulary: {len(self.words):,} words of the training texts ({', '.join(self.words[:5])} ...); of a text "
            f"the first {self.length} words are seen"
        )

    def remarks(self, tokens: Int32[np.ndarray, "n length"]) -> str:
        """A remark on the texts of a split: how many of their words are unknown."""
        words, unknown = int((tokens != PADDING).sum()), int((tokens == UNKNOWN).sum())
        empty = int((tokens == PADDING).all(axis=1).sum())
        remarks = [f"{len(tokens):,} {self.noun} of {self.length} words at most"]
        remarks += [f"{unknown:,} of {words:,} words unknown", *([f"{empty:,} without a word"] if empty else [])]
        return "; ".join(remarks)

    def to_json(self) -> dict[str, Any]:
        """The contents of a run's `preprocess.json`."""
        return {"column": self.column, "words": list(self.words), "length": self.length}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "TextPreprocess":
        """The reverse of `to_json`.

        Raises:
            RunError: if it is damaged.
        """
        try:
            found = cls(content["column"], tuple(content["words"]), content["length"])
            if (
                type(found.length) is not int
                or found.length < 1
                or not all(isinstance(word, str) for word in found.words)
            ):
                raise ValueError("its words or their number")
        except (KeyError, TypeError, ValueError) as error:
            raise RunError(f"preprocess.json is damaged: {error!r}") from error
        return found


def learn_texts(texts: Sequence[str], column: str, vocabulary: int, length: int = 0) -> TextPreprocess:
    """Learns the vocabulary from training texts: the most frequent words, and equally frequent ones by name.

    Args:
        texts: the texts of the training split.
        column: their column.
        vocabulary: the most words to keep.
        length: how many words of a text the network sees; 0 is as many as the longest training text has.

    Raises:
        DataError: if no text has a word.
    """
    counts, longest = Counter[str](), 0
    for text in texts:
        words = words_of(text)
        counts.update(words)
        longest = max(longest, len(words))
    if not counts:
        raise DataError(
            f"the column {column} has no word in any training row: choose the column of the texts by data.text"
        )
    ranked = sorted(counts, key=lambda word: (-counts[word], word))
    return TextPreprocess(column, tuple(ranked[:vocabulary]), length or longest)
