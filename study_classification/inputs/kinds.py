"""The kinds of input, by the names that `data.input` has. Each has a class that says what happens to every example.

These classes have in common: `noun` (the word for several examples), `key` (of the values in a batch), `shape` (of an
example as the network sees it), `num_tokens` (how many different tokens there are; 0 of numbers), `inputs_of(batch)`
(what the network is given), `to_json()` and `from_json()` (a run's preprocess.json).
"""

from collections.abc import Mapping
from typing import Any

from study_classification.inputs.images.preprocess import Preprocess
from study_classification.inputs.images.reader import ImageReader
from study_classification.inputs.tables import TablePreprocess
from study_classification.inputs.texts import TextPreprocess

IMAGES, TABLES, TEXTS = "images", "tables", "texts"
RowPreprocess = TablePreprocess | TextPreprocess
AnyPreprocess = Preprocess | RowPreprocess
Reader = ImageReader | RowPreprocess  # has `read`: an example -> its values
KINDS: dict[str, type[AnyPreprocess]] = {IMAGES: Preprocess, TABLES: TablePreprocess, TEXTS: TextPreprocess}


def preprocess_from_json(kind: str, content: Mapping[str, Any]) -> AnyPreprocess:
    """What a run's preprocess.json holds.

    Raises:
        RunError: if it is damaged.
    """
    return KINDS[kind].from_json(content)


def reader_of(preprocess: AnyPreprocess, max_megapixels: float, canvas_size: int = 0) -> Reader:
    """How an example becomes what a batch holds of it; the sizes are those of images, see `ImageReader`."""
    if isinstance(preprocess, Preprocess):
        return ImageReader(preprocess, max_megapixels, canvas_size)
    return preprocess
