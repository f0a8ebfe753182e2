"""prepare: reads and checks the data without training, or clears the cache of what nothing uses any more."""

from functools import partial

from absl import flags

from study_classification.commands.verb import CONFIG, HOSTS, LANG, Flag, Given, Verb
from study_classification.errors import ConfigError


def run(given: Given) -> int:
    from study_classification.configs import default
    from study_classification.data.dataset import open_dataset
    from study_classification.data.prepare import cache_directory
    from study_classification.data.prune import prune
    from study_classification.system.console import say
    from study_classification.tasks.create import has_numbers

    days = given.values["older_than"]
    if given.values["prune"]:
        prune(cache_directory((given.config or default.get_config()).data), 30 if days is None else days)
        return 0
    if days is not None:
        raise ConfigError("--older_than belongs to --prune: give both, or neither")
    assert given.config is not None
    say(open_dataset(given.config.data, numbers=has_numbers(given.config.task)).describe())
    return 0


VERB = Verb(
    name="prepare",
    help="read, check and split the data of --config, and report what is in them; or clear the cache (--prune)",
    usage="--config=configs/X.py[:key=value,...] [--config.FIELD=VALUE ...] | --prune [--older_than=DAYS]",
    flags=(
        CONFIG,
        Flag(
            "prune",
            "remove from the cache what was not used for --older_than days, and what killed processes left",
            False,
            flags.DEFINE_boolean,
        ),
        Flag("older_than", "with --prune: days, 30 if not given", None, partial(flags.DEFINE_float, lower_bound=0.0)),
        *HOSTS,
        LANG,
    ),
    needs=("config", "prune"),
    run=run,
)
