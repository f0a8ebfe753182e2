"""The TFDS builder of prepared data. A file of its own, since defining it registers it and needs TFDS imported."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import tensorflow_datasets as tfds

from study_classification.data.sources import Item


class PreparedImages(tfds.core.GeneratorBasedBuilder):
    """Pictures of a folder or manifest: image (the original encoded bytes), label and name, in the order given.

    Args:
        data_dir: where to write.
        class_names: in the order of the labels.
        items: split -> pictures; an empty split is left out.
    """

    VERSION = tfds.core.Version("1.0.0")

    def __init__(self, data_dir: Path, class_names: Sequence[str], items: Mapping[str, Sequence[Item]]):
        self._class_names, self._items = list(class_names), items
        super().__init__(data_dir=data_dir, file_format="array_record")

    def _info(self) -> tfds.core.DatasetInfo:
        features = tfds.features.FeaturesDict(
            {
                "image": tfds.features.Image(shape=(None, None, None)),
                "label": tfds.features.ClassLabel(names=self._class_names),
                "name": tfds.features.Text(),
            }
        )
        return tfds.core.DatasetInfo(builder=self, features=features, disable_shuffling=True)

    def _split_generators(self, dl_manager):
        return {name: self._generate_examples(part) for name, part in self._items.items() if part}

    def _generate_examples(self, part):
        for number, item in enumerate(part):
            yield number, {"image": item.read(), "label": item.label, "name": item.name}
