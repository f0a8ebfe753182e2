"""The kinds of input, by their names in `data.input`. Each has a class that says what happens to every example.

These classes have in common: `noun` (the word for several examples), `key` (the name of the values in a batch), `shape`
(of an example as the network sees it), `num_tokens` (the number of different tokens; 0 for numbers), `inputs_of(batch)`
(the input of the network), and `to_json()` and `from_json()` (preprocess.json of a run).
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
    """The preprocessing in a run's preprocess.json.

    Raises:
        RunError: if it is damaged.
    """
    return KINDS[kind].from_json(content)


def reader_of(preprocess: AnyPreprocess, max_megapixels: float, canvas_size: int = 0) -> Reader:
    """The object that reads an example into the values of a batch. The sizes are for images, see `ImageReader`."""
    if isinstance(preprocess, Preprocess):
        return ImageReader(preprocess, max_megapixels, canvas_size)
    return preprocess
