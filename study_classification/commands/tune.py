"""tune: searches for values of fields, or compares them over seeds."""

from functools import partial

from absl import flags

from study_classification.commands.verb import CONFIG, LANG, Flag, Given, Verb
from study_classification.paths import user_folder


def run(given: Given) -> int:
    from study_classification.studies.tune import tune

    assert given.config is not None
    values = given.values
    tune(given.config, given.config_text, user_folder(values["study"]), values["trials"], values["sweep"])
    return 0


VERB = Verb(
    name="tune",
    help="try what search_space() or sweep() beside get_config() in --config says; see docs/tuning.md",
    usage="--config=configs/X.py[:key=value,...] --study=DIR [--trials=N] [--sweep] [--config.FIELD=VALUE ...]",
    flags=(
        CONFIG,
        Flag("study", "directory of the study; the same command goes on there, also from several processes at once"),
        Flag(
            "trials",
            "for search_space(): how many trials to make in all, 20 if not given",
            None,
            partial(flags.DEFINE_integer, lower_bound=1),
        ),
        Flag("sweep", "take sweep() of a config that has search_space() as well", False, flags.DEFINE_boolean),
        LANG,
    ),
    needs=("config", "study"),
    needs_all=True,
    run=run,
)
