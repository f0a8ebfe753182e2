"""What training makes of the first images of its first step, as a person can look at them."""

import itertools
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import UInt8

from study_classification.data.batches import read
from study_classification.data.dataset import Split
from study_classification.data.order import Order
from study_classification.inputs.images.augment import Augment, augment, example_keys
from study_classification.inputs.images.decode import decode_scaled
from study_classification.inputs.images.mix import draw_mask, mix
from study_classification.inputs.images.preprocess import Preprocess
from study_classification.inputs.images.reader import ImageReader
from study_classification.streams import AUGMENTATION, MIXING, stream

ON_PAGE = 12  # images that a report shows, at most
SEEN = 256  # pixels of the short side of an image that is drawn as it is, at least
Told = tuple[str, UInt8[np.ndarray, "h w c"]]  # a few words, image


@dataclass(frozen=True)
class SeenImages:
    """The first images of a step, and before them the last one of those that are mixed with each other.

    Attributes:
        split: that of training.
        preprocess: what happens to every image.
        max_megapixels: of an image that is decoded.
        seed: of the config.
        class_names: in the order of the labels; none where these are numbers.
        epochs: of each image, [n + 1], as the order says it; the first one is there to be mixed with the second.
        indices: of each in the split, [n + 1].
    """

    split: Split
    preprocess: Preprocess
    max_megapixels: float
    seed: int
    class_names: tuple[str, ...]
    epochs: np.ndarray
    indices: np.ndarray

    def raw(self) -> list[Told]:
        """The images as they are, with the label and the name of each."""
        found = []
        for index in self.indices[1:]:
            example = self.split[int(index)]
            image, box = decode_scaled(example.data, SEEN, max_megapixels=self.max_megapixels)
            name = Path(example.name).name
            found.append((f"{self._told(example.label)}\n{name}", np.asarray(image.crop(box) if box else image)))
        return found

    def labelled(self, a: Augment) -> list[Told]:
        """What training makes of them by this augmentation, with its label, or the shares of two labels."""
        images, share, labels = self._augmented(a)
        texts = [self._told(label) for label in labels[1:]]
        if share is not None:
            texts = [
                f"{share:.2f} {self._told(label)}\n+ {1 - share:.2f} {self._told(other)}"
                for other, label in itertools.pairwise(labels)
            ]
        return list(zip(texts, images[1:], strict=True))

    def _augmented(self, a: Augment) -> tuple[UInt8[np.ndarray, "n h w c"], float | None, list[float]]:
        """Images [n + 1], of which the first one's own partner is not drawn; the share that stays; labels."""
        canvas_size = a.canvas_size if a.random_resized_crop else 0
        reader = ImageReader(self.preprocess, self.max_megapixels, canvas_size)
        found, aspects, labels = zip(*(read(self.split, int(index), reader) for index in self.indices), strict=True)
        keys = example_keys(stream(self.seed, AUGMENTATION), jnp.asarray(self.epochs), jnp.asarray(self.indices))
        images = jax.jit(partial(augment, a=a))(np.stack(found), np.stack(aspects), keys)
        share = None
        if a.mixup or a.cutmix:  # by the first example of those that are mixed
            first = jnp.asarray(self.epochs[1:2]), jnp.asarray(self.indices[1:2])
            mask = draw_mask(example_keys(stream(self.seed, MIXING), *first)[0], a.image_size, a.mixup, a.cutmix)
            images, share = mix(images, mask[..., None]), float(mask.mean())
        return np.asarray(jnp.clip(jnp.round(images), 0, 255), np.uint8), share, list(labels)

    def _told(self, label: float) -> str:
        return self.class_names[int(label)] if self.class_names else f"{label:.6g}"


def seen_first(
    split: Split,
    preprocess: Preprocess,
    max_megapixels: float,
    seed: int,
    class_names: tuple[str, ...],
    order: Order,
    parts: int,
    count: int,
) -> SeenImages:
    """At most `count` of the images that the first step sees, of `parts` in which its batch passes those of the first.

    For the other arguments see `SeenImages`.
    """
    planned = {name: values[::parts] for name, values in order[0].items()}  # see optim/gradients.py
    places = [len(planned["index"]) - 1, *range(min(count, len(planned["index"])))]
    chosen = planned["epoch"][places], planned["index"][places]
    return SeenImages(split, preprocess, max_megapixels, seed, class_names, *chosen)
