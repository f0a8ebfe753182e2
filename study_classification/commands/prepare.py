"""prepare: the data are read and checked, without training."""

from study_classification.commands.verb import CONFIG, HOSTS, Given, Verb


def run(given: Given) -> int:
    from study_classification.data.dataset import open_dataset
    from study_classification.system.console import say

    assert given.config is not None
    say(open_dataset(given.config.data).describe())
    return 0


VERB = Verb(
    name="prepare",
    help="read, check and split the data of --config, and report what is in them",
    usage="--config=configs/X.py[:key=value,...] [--config.FIELD=VALUE ...]",
    flags=(CONFIG, *HOSTS),
    needs=("config",),
    run=run,
)
