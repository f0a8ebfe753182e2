"""Draws what augmentation makes of the first images of a training: each kind alone, and all together."""

import itertools
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import UInt8
from ml_collections import ConfigDict

from study_classification.data.batches import read
from study_classification.data.dataset import Split
from study_classification.data.sources import TRAIN
from study_classification.errors import ConfigError
from study_classification.inputs.images.augment import Augment, augment, example_keys
from study_classification.inputs.images.decode import decode_scaled
from study_classification.inputs.images.mix import draw_mask, mix
from study_classification.inputs.images.preprocess import Preprocess
from study_classification.inputs.images.reader import ImageReader
from study_classification.reports.grids import Cell, draw_grid
from study_classification.reports.lettering import wording
from study_classification.system.console import say
from study_classification.system.files import make_output
from study_classification.training.feed import Feed, open_feed, reader_for
from study_classification.training.setup import Experiment, resolve_config
from study_classification.training.streams import AUGMENTATION, MIXING, stream

ROWS = 6  # the most images that are drawn
SEEN = 256  # the least short side, in pixels, of a plain image
RANGES = ("crop_scale", "crop_ratio", "randaugment")  # these fields turn nothing on: they are ranges of others
SIZES = ("image_size", "canvas_size")


def preview(config: ConfigDict, folder: Path) -> Path:
    """Draws the first images of the first training step into preview.png: plain, and as the network sees them.

    Random values are the same as in training with the seed of the config.

    Args:
        config: as `configs/default.py` defines it.
        folder: the folder for preview.png; it is made if need be.

    Returns:
        The path of the figure.

    Raises:
        ConfigError: if the examples are no images.
        UserError: for data or weights that cannot be used, as in `train_and_evaluate`.
    """
    experiment = resolve_config(config)
    if not isinstance(experiment.preprocess, Preprocess):
        raise ConfigError(
            f"data.input is {config.data.input}: only pictures are augmented, so only these have a preview"
        )
    feed = open_feed(experiment)
    kinds = views(experiment.augmentation)
    for name, _ in kinds:
        say(f"Augmentation: {name}")
    if not kinds:
        say("The config has no augmentation: training sees what validation sees")
    shown = _first_images(feed)
    heads: list[tuple[str, Augment | None]] = [
        (wording("the picture"), None),
        (wording("without augmentation"), _plain(experiment.augmentation)),
        *kinds,
    ]
    if len(kinds) > 1:
        heads.append((wording("all together"), experiment.augmentation.stages()[0]))
    columns = [shown.raw() if a is None else shown.cells(a) for _, a in heads]
    rows = [list(row) for row in zip(*columns, strict=True)]
    lines = max(name.count("=") + text.count("\n") for (name, _), (text, _) in zip(heads, rows[0], strict=True))
    rows[0] = [
        (name.replace("=", "\n") + "\n" * (lines - name.count("=") - text.count("\n") + 1) + text, image)
        for (name, _), (text, image) in zip(heads, rows[0], strict=True)  # the value of a field stands below its name
    ]
    make_output(folder)
    file = folder / "preview.png"
    note = wording("the first pictures of the first step; in the next epoch each is drawn anew")
    draw_grid(rows, wording("what the network is trained on"), note, file)
    say(f"Drawn: {file}")
    return file


def views(augmentation: Augment) -> list[tuple[str, Augment]]:
    """(text of the config, settings with this kind alone) for each kind of augmentation that is on."""
    found = []
    plain = _plain(augmentation)
    for field in fields(Augment):
        name, value = field.name, getattr(augmentation, field.name)
        if name in (*RANGES, *SIZES) or not np.any(value):
            continue
        if name == "progressive":
            alone = replace(plain, image_size=augmentation.stages()[0].image_size)
        elif name == "random_resized_crop":
            alone = replace(plain, random_resized_crop=True, canvas_size=augmentation.canvas_size)
        else:
            alone = replace(plain, **{name: value})
        found.append((name if value is True else f"{name}={_in_words(value)}", alone))
    return found


def _in_words(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _plain(augmentation: Augment) -> Augment:
    """The settings with everything off."""
    return Augment(
        augmentation.image_size, augmentation.image_size, **{name: getattr(augmentation, name) for name in RANGES}
    )


@dataclass(frozen=True)
class FirstImages:
    """The first images of a step, after one more image with which the first of them is mixed.

    Attributes:
        experiment: the experiment.
        split: the training split.
        epochs: the epoch of each image, as the order gives it, [n + 1]. The first image is the partner of the second.
        indices: the index of each image in the split, [n + 1].
    """

    experiment: Experiment
    split: Split
    epochs: np.ndarray
    indices: np.ndarray

    def raw(self) -> list[Cell]:
        """The plain images as cells, with the label and name of each."""
        limit = self.experiment.config.data.max_megapixels
        cells = []
        for index in self.indices[1:]:
            example = self.split[int(index)]
            image, box = decode_scaled(example.data, SEEN, max_megapixels=limit)
            name = Path(example.name).name
            cells.append((f"{self._told(example.label)}\n{name}", np.asarray(image.crop(box) if box else image)))
        return cells

    def cells(self, a: Augment) -> list[Cell]:
        """The augmented images as cells; mixed images with the shares of their labels."""
        images, shares, labels = self.augmented(a)
        texts = ["" for _ in labels[1:]]
        if shares is not None:
            own = float(shares.mean())
            texts = [
                f"{own:.2f} {self._told(label)}\n+ {1 - own:.2f} {self._told(other)}"
                for other, label in itertools.pairwise(labels)
            ]
        return list(zip(texts, images[1:], strict=True))

    def augmented(self, a: Augment) -> tuple[UInt8[np.ndarray, "n h w c"], jax.Array | None, list]:
        """(images [n + 1], share that an image keeps, labels). The partner of the first image is not drawn."""
        seed = self.experiment.config.seed
        reader = reader_for(self.experiment, a.canvas_size if a.random_resized_crop else 0)
        assert isinstance(reader, ImageReader)
        found, aspects, labels = zip(*(read(self.split, int(index), reader) for index in self.indices), strict=True)
        keys = example_keys(stream(seed, AUGMENTATION), jnp.asarray(self.epochs), jnp.asarray(self.indices))
        images = jax.jit(partial(augment, a=a))(np.stack(found), np.stack(aspects), keys)
        share = None
        if a.mixup or a.cutmix:  # the first of the mixed examples decides
            key = example_keys(stream(seed, MIXING), jnp.asarray(self.epochs[1:2]), jnp.asarray(self.indices[1:2]))[0]
            share = draw_mask(key, a.image_size, a.mixup, a.cutmix)
            images = mix(images, share[..., None])
        return np.asarray(jnp.clip(jnp.round(images), 0, 255), np.uint8), share, list(labels)

    def _told(self, label: float) -> str:
        names = self.experiment.class_names
        return names[int(label)] if names else f"{label:.6g}"


def _first_images(feed: Feed) -> FirstImages:
    parts = feed.experiment.config.accumulate_steps
    planned = {name: values[::parts] for name, values in feed.order[0].items()}  # the first part, see optim
    places = [len(planned["index"]) - 1, *range(min(ROWS, len(planned["index"])))]
    split = feed.data.images(TRAIN)
    return FirstImages(feed.experiment, split, planned["epoch"][places], planned["index"][places])
