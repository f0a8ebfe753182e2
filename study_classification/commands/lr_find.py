"""lr_find: shows how the loss changes while the learning rate rises."""

from dataclasses import replace
from functools import partial

from absl import flags

from study_classification.commands.verb import CONFIG, HOSTS, LANG, WORKDIR, Flag, Given, Verb


def run(given: Given) -> int:
    from study_classification.runs.directory import new_workdir
    from study_classification.training.lr_find import find_learning_rate

    assert given.config is not None
    new = not given.values["workdir"]
    workdir = new_workdir(given.config, f"lr_find-{given.config_name}") if new else given.workdir
    find_learning_rate(given.config, workdir, given.values["steps"])
    return 0


VERB = Verb(
    name="lr_find",
    help="try rising learning rates on what --config describes, and suggest one",
    usage="--config=configs/X.py[:key=value,...] [--workdir=DIR] [--steps=N] [--config.FIELD=VALUE ...]",
    flags=(
        CONFIG,
        replace(WORKDIR, help="directory for the curve and the table; without it a new one under runs/"),
        Flag("steps", "how many learning rates to try", 100, partial(flags.DEFINE_integer, lower_bound=10)),
        *HOSTS,
        LANG,
    ),
    needs=("config",),
    run=run,
)
