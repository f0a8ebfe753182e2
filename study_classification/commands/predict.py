"""predict: a finished run at work on pictures."""

from functools import partial

from absl import flags

from study_classification.commands.verb import CHECKPOINT, HOSTS, TTA, WORKDIR, Flag, Given, Verb


def run(given: Given) -> int:
    from study_classification.inference.predict import predict
    from study_classification.runs.directory import load

    return predict(
        load(given.workdir),
        given.inputs,
        checkpoint=given.values["checkpoint"],
        tta=given.values["tta"],
        output_format=given.values["format"],
        top_k=given.values["top_k"],
        threshold=given.values["threshold"],
    )


VERB = Verb(
    name="predict",
    help="classify the files, folders and patterns that follow, or the list on stdin if - follows",
    usage="--workdir=DIR [--format=csv] [--top_k=N] PICTURE|FOLDER|PATTERN|- ...",
    flags=(
        WORKDIR,
        CHECKPOINT,
        TTA,
        Flag(
            "format",
            "what goes to stdout: table, csv, json or jsonl",
            "table",
            partial(flags.DEFINE_enum, enum_values=["table", "csv", "json", "jsonl"]),
        ),
        Flag("top_k", "how many classes to name for each picture", 1, partial(flags.DEFINE_integer, lower_bound=1)),
        Flag(
            "threshold",
            "the class is 'unknown' below this probability",
            0.0,
            partial(flags.DEFINE_float, lower_bound=0.0, upper_bound=1.0),
        ),
        *HOSTS,
    ),
    needs=("workdir",),
    run=run,
    takes_inputs=True,
)
