"""What augmentation makes of the first images that a run would train on: each kind alone, and all together."""

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
from ml_collections import ConfigDict

from study_classification.data.seen import SeenImages, seen_first
from study_classification.data.sources import TRAIN
from study_classification.errors import ConfigError
from study_classification.inputs.images.augment import Augment
from study_classification.inputs.images.preprocess import Preprocess
from study_classification.reports.grids import Cell, draw_grid
from study_classification.runs import directory
from study_classification.system.console import say
from study_classification.training.feed import Feed, open_feed
from study_classification.training.setup import resolve_config

ROWS = 6  # images that are drawn, at most
RANGES = ("crop_scale", "crop_ratio", "randaugment")  # fields of others' ranges, which switch nothing on
SIZES = ("image_size", "canvas_size")


def preview(config: ConfigDict, folder: Path) -> Path:
    """Draws the first images of the first training step into preview.png: as they are, and as the network sees them.

    What is drawn at random is drawn as in training, by the seed of the config.

    Args:
        config: as `configs/default.py` defines it.
        folder: made if need be; nothing else is written.

    Returns:
        The figure.

    Raises:
        ConfigError: if the examples are no images.
        UserError: as `train_and_evaluate`, for data or weights that cannot be used.
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
        ("the picture", None),
        ("without augmentation", _plain(experiment.augmentation)),
        *kinds,
    ]
    if len(kinds) > 1:
        heads.append(("all together", experiment.augmentation.stages()[0]))
    columns = [shown.raw() if a is None else _cells(shown, a) for _, a in heads]
    rows = [list(row) for row in zip(*columns, strict=True)]
    lines = max(name.count("=") for name, _ in heads)  # the value of a field stands below its name
    rows[0] = [
        (name.replace("=", "\n") + "\n" * (lines - name.count("=") + 1) + text, image)
        for (name, _), (text, image) in zip(heads, rows[0], strict=True)
    ]
    directory.make(folder)
    file = folder / "preview.png"
    note = "the first pictures of the first step; in the next epoch each is drawn anew"
    draw_grid(rows, "what the network is trained on", note, file)
    say(f"Drawn: {file}")
    return file


def views(augmentation: Augment) -> list[tuple[str, Augment]]:
    """Each kind of augmentation that is switched on: what the config says of it, and it alone."""
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
    """Everything switched off."""
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
