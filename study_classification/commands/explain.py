"""explain: what happens inside a trained network."""

from absl import flags

from study_classification.commands.verb import CHECKPOINT, LANG, WORKDIR, Flag, Given, Verb
from study_classification.errors import ConfigError


def run(given: Given) -> int:
    if len(given.inputs) > 1:
        raise ConfigError(f"explain --layers takes one picture, not {len(given.inputs)}: give it one at a time")

    from study_classification.inference.explain import explain_layers
    from study_classification.runs.directory import load

    explain_layers(load(given.workdir), "".join(given.inputs), given.values["checkpoint"])
    return 0


VERB = Verb(
    name="explain",
    help="draw what the layers of the run in --workdir make of a picture",
    usage="--workdir=DIR --layers [PICTURE]",
    flags=(
        WORKDIR,
        CHECKPOINT,
        Flag(
            "layers",
            "the maps of each layer, as features.png in --workdir; without a picture the first one of validation",
            False,
            flags.DEFINE_boolean,
        ),
        LANG,
    ),
    needs=("workdir", "layers"),
    needs_all=True,
    run=run,
    takes_inputs=True,
)
