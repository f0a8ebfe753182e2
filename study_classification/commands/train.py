"""train: makes a run, or resumes one where it was stopped."""

from dataclasses import replace

from study_classification.commands.verb import CONFIG, HOSTS, LANG, WORKDIR, Given, Verb
from study_classification.errors import RunError


def run(given: Given) -> int:
    from study_classification.runs.directory import load, new_workdir

    config = given.config
    if config is None:
        try:
            config = load(given.workdir).config
        except RunError as error:
            raise RunError(f"{error}, or --config=FILE.py to begin a new one there") from None
    from study_classification.training.loop import train_and_evaluate

    workdir = given.workdir if given.values["workdir"] else new_workdir(config, given.config_name)
    train_and_evaluate(config, workdir, given.typed)
    return 0


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
