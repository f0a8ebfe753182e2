"""summary: what a network consists of and costs."""

from study_classification.commands.verb import CONFIG, WORKDIR, Given, Verb
from study_classification.errors import ConfigError


def run(given: Given) -> int:
    if given.config is not None and given.values["workdir"]:
        raise ConfigError("summary takes --config or --workdir, not both: the run in --workdir has its own config")

    from study_classification.models.cost import print_summary
    from study_classification.runs.directory import load
    from study_classification.training.setup import resolve_config

    if given.config is None:
        trained = load(given.workdir)
        print_summary(trained.config, trained.preprocess, len(trained.class_names))
    else:
        experiment = resolve_config(given.config)
        print_summary(experiment.config, experiment.preprocess, experiment.num_classes)
    return 0


VERB = Verb(
    name="summary",
    help="layers, parameters, FLOPs and memory of the network of --config or --workdir",
    usage="--config=configs/X.py[:key=value,...] [--config.FIELD=VALUE ...] | --workdir=DIR",
    flags=(CONFIG, WORKDIR),
    needs=("config", "workdir"),
    run=run,
)
