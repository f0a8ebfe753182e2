"""preview: draws what augmentation makes of the images that --config trains on."""

from dataclasses import replace
from pathlib import Path

from study_classification.commands.verb import CONFIG, LANG, OUT, Given, Verb
from study_classification.paths import user_folder


def run(given: Given) -> int:
    from study_classification.training.preview import preview

    assert given.config is not None
    preview(given.config, user_folder(given.values["out"]) if given.values["out"] else Path())
    return 0


VERB = Verb(
    name="preview",
    help="draw what augmentation makes of the pictures of --config, each kind alone and all together",
    usage="--config=configs/X.py[:key=value,...] [--out=DIR] [--config.FIELD=VALUE ...]",
    flags=(CONFIG, replace(OUT, help="folder for preview.png; without it the current one"), LANG),
    needs=("config",),
    run=run,
)
