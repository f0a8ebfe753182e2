"""train: makes a run, or resumes one where it was stopped."""

import os
from dataclasses import replace
from pathlib import Path

from study_classification.commands.verb import CONFIG, HOSTS, LANG, WORKDIR, Given, Verb
from study_classification.errors import DataError, RunError


def run(given: Given) -> int:
    from study_classification.runs.directory import load, new_workdir

    config = given.config
    if config is None:
        try:
            config = load(given.workdir).config
        except RunError as error:
            raise RunError(f"{error}, or --config=FILE.py to begin a new one there") from None
        _require_data(config.data.source, given.workdir)
    from study_classification.training.loop import train_and_evaluate

    workdir = given.workdir if given.values["workdir"] else new_workdir(config, given.config_name)
    train_and_evaluate(config, workdir, given.typed)
    return 0


def _require_data(source: str, workdir: Path) -> None:
    """Raises DataError if the data of a run are gone: only a config can tell where they lie now."""
    if Path(source).is_absolute() and not os.path.exists(source):
        raise DataError(
            f"the data of {workdir} no longer lie at {source}: bring them back, or give the command that began the run "
            "with --config.data.source=PLACE for where they lie now"
        )


VERB = Verb(
    name="train",
    help="train what --config describes, or resume the run in --workdir (no verb means this one)",
    usage="--config=configs/X.py[:key=value,...] [--workdir=DIR] [--config.FIELD=VALUE ...]",
    flags=(
        CONFIG,
        replace(WORKDIR, help="run directory; without it a new one under runs/; alone, it is resumed"),
        *HOSTS,
        LANG,
    ),
    needs=("config", "workdir"),
    run=run,
)
