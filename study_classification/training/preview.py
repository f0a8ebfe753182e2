"""Draws what augmentation makes of the first images of a training: each kind alone, and all together."""

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
from ml_collections import ConfigDict

from study_classification.data.seen import SeenImages, seen_first
from study_classification.data.sources import TRAIN
from study_classification.errors import ConfigError
from study_classification.inputs.images.augment import Augment
from study_classification.inputs.images.preprocess import Preprocess
from study_classification.reports.figures import free_file
from study_classification.reports.grids import Cell, draw_grid
from study_classification.reports.lettering import wording
from study_classification.system.console import say
from study_classification.system.files import make_output
from study_classification.training.feed import Feed, open_feed
from study_classification.training.setup import resolve_config

ROWS = 6  # the most images that are drawn
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
    shown = first_images(feed, ROWS)
    heads: list[tuple[str, Augment | None]] = [
        (wording("the picture"), None),
        (wording("without augmentation"), _plain(experiment.augmentation)),
        *kinds,
    ]
    if len(kinds) > 1:
        heads.append((wording("all together"), experiment.augmentation.stages()[0]))
    columns = [shown.raw() if a is None else _cells(shown, a) for _, a in heads]
    rows = [list(row) for row in zip(*columns, strict=True)]
    lines = max(name.count("=") + text.count("\n") for (name, _), (text, _) in zip(heads, rows[0], strict=True))
    rows[0] = [
        (name.replace("=", "\n") + "\n" * (lines - name.count("=") - text.count("\n") + 1) + text, image)
        for (name, _), (text, image) in zip(heads, rows[0], strict=True)  # the value of a field stands below its name
    ]
    make_output(folder)
    file = free_file(folder, "preview")
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


def _cells(shown: SeenImages, a: Augment) -> list[Cell]:
    """What training makes of the images; of mixed ones with the shares of their labels."""
    mixes = a.mixup or a.cutmix
    return [(text if mixes else "", image) for text, image in shown.labelled(a)]


def first_images(feed: Feed, count: int) -> SeenImages:
    """At most so many of the images that the first training step sees."""
    config, preprocess = feed.experiment.config, feed.experiment.preprocess
    assert isinstance(preprocess, Preprocess)
    split, names = feed.data.images(TRAIN), feed.experiment.class_names
    limit, parts = config.data.max_megapixels, config.accumulate_steps
    return seen_first(split, preprocess, limit, config.seed, names, feed.order, parts, count)
