"""summary: shows the layers of a network and what it costs."""

from study_classification.commands.verb import CONFIG, LANG, WORKDIR, Given, Verb
from study_classification.errors import ConfigError


def run(given: Given) -> int:
    if given.config is not None and given.values["workdir"]:
        raise ConfigError("summary takes --config or --workdir, not both: the run in --workdir has its own config")

    from study_classification.inference.weights import describe_weights
    from study_classification.runs.directory import has_checkpoint, load
    from study_classification.system.console import say
    from study_classification.training.describe import describe_network
    from study_classification.training.setup import resolve_config

    if given.config is None:
        trained = load(given.workdir)
        say(describe_network(trained.config, trained.preprocess, trained.class_names))
        if has_checkpoint(trained.workdir):
            say(f"\n{describe_weights(trained)}")
    else:
        experiment = resolve_config(given.config)
        say(describe_network(experiment.config, experiment.preprocess, experiment.class_names))
    return 0


VERB = Verb(
    name="summary",
    help="show layers, parameters, FLOPs and memory of the network of --config or --workdir",
    usage="--config=configs/X.py[:key=value,...] [--config.FIELD=VALUE ...] | --workdir=DIR",
    flags=(CONFIG, WORKDIR, LANG),
    needs=("config", "workdir"),
    run=run,
)
