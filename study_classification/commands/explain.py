"""explain: shows what happens inside a trained network, and why it answers as it does."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from absl import flags

from study_classification.commands.verb import CHECKPOINT, LANG, OUT, WORKDIR, Flag, Given, Verb
from study_classification.errors import ConfigError
from study_classification.paths import user_folder

if TYPE_CHECKING:
    from study_classification.runs.directory import Run

METHODS = ("grad_cam", "integrated_gradients", "occlusion", "gradient_input")
OTHERS = ("layers", "embeddings", "neighbours", "suspects")  # questions that take the place of the explanation


def run(given: Given) -> int:
    values, asked = given.values, _asked(given)
    checkpoint = values["checkpoint"]

    from study_classification.runs.directory import load

    trained = load(given.workdir)
    if asked == "layers":
        from study_classification.inference.explain_layers import explain_layers

        explain_layers(trained, "".join(given.inputs), checkpoint)
        return 0
    folder = user_folder(values["out"]) if values["out"] else given.workdir / "explain"
    if asked == "embeddings":
        from study_classification.inference.embeddings import explain_embeddings

        explain_embeddings(trained, folder, values["split"] or "validation", checkpoint)
    elif asked == "neighbours":
        from study_classification.inference.neighbours import explain_neighbours

        explain_neighbours(trained, given.inputs, folder, checkpoint)
    elif asked == "suspects":
        from study_classification.inference.neighbours import explain_suspects

        explain_suspects(trained, folder, checkpoint)
    else:
        return _explain_answers(trained, given.inputs, folder, values["method"], checkpoint)
    return 0


def _explain_answers(trained: "Run", inputs: Sequence[str], folder: Path, method: str | None, checkpoint: str) -> int:
    from study_classification.inputs.images.preprocess import Preprocess

    if isinstance(trained.preprocess, Preprocess):
        from study_classification.inference.explain_images import explain_images

        return explain_images(trained, inputs, folder, method or METHODS[0], checkpoint)
    from study_classification.inference.explain_rows import explain_rows

    if method not in (None, "gradient_input"):
        raise ConfigError(
            f"--method is {method}, but {trained.preprocess.noun} are explained by gradient_input: drop it"
        )
    return explain_rows(trained, inputs, checkpoint)


def _asked(given: Given) -> str:
    """The one of `OTHERS` that the user asks for; '' stands for the explanation of answers.

    Raises:
        ConfigError: if the user asks for several, or gives something that does not belong to the question.
    """
    chosen = [name for name in OTHERS if given.values[name]]
    if len(chosen) > 1:
        raise ConfigError(f"--{chosen[0]} and --{chosen[1]} are two questions: ask one at a time")
    asked = chosen[0] if chosen else ""
    if given.values["split"] and asked != "embeddings":
        raise ConfigError("--split is given, but it belongs to --embeddings: drop it")
    if given.values["method"] and asked:
        raise ConfigError(f"--method is given, but --{asked} has none: drop it")
    if asked == "layers" and given.values["out"]:
        raise ConfigError("--out is given, but --layers draws features.png in --workdir: drop it")
    if asked == "layers" and len(given.inputs) > 1:
        raise ConfigError(f"explain --layers takes one picture, not {len(given.inputs)}: give it one at a time")
    if asked in ("embeddings", "suspects") and given.inputs:
        raise ConfigError(f"--{asked} looks at the run's own data, not at {given.inputs[0]}: drop it")
    return asked


VERB = Verb(
    name="explain",
    help="draw why the run in --workdir answers as it does, or what its layers and features hold",
    usage="--workdir=DIR [--method=METHOD | --layers | --neighbours] [PICTURE|FOLDER ...] | --embeddings | --suspects",
    flags=(
        WORKDIR,
        CHECKPOINT,
        Flag(
            "method",
            "grad_cam (if not given), integrated_gradients, occlusion or gradient_input",
            None,
            partial(flags.DEFINE_enum, enum_values=list(METHODS)),
        ),
        Flag(
            "layers",
            "the maps of each layer, as features.png in --workdir; without a picture the first one of validation",
            False,
            flags.DEFINE_boolean,
        ),
        Flag("neighbours", "the training pictures most similar to each picture", False, flags.DEFINE_boolean),
        Flag("embeddings", "the features of a split, as points on a plane", False, flags.DEFINE_boolean),
        Flag("split", "for --embeddings: train, validation (if not given) or test"),
        Flag(
            "suspects",
            "examples whose neighbours all have another label, so that theirs may be wrong",
            False,
            flags.DEFINE_boolean,
        ),
        OUT,
        LANG,
    ),
    needs=("workdir",),
    run=run,
    takes_inputs=True,
)
