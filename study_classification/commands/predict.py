"""predict: classifies images, rows or texts by a finished run."""

import re
from functools import partial

from absl import flags

from study_classification.commands.verb import CHECKPOINT, HOSTS, LANG, TTA, WORKDIR, Flag, Given, Verb
from study_classification.errors import ConfigError


def run(given: Given) -> int:
    shard = read_shard(given.values["shard"])
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
        shard=shard,
        calibrated=given.values["calibrated"],
    )


def read_shard(text: str) -> tuple[int, int]:
    """(index of the shard, number of shards), read from `I/N`.

    Raises:
        ConfigError: unless I is one of 0 to N-1.
    """
    match = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", text)
    index, count = map(int, match.groups()) if match else (0, 0)
    if index >= count:
        raise ConfigError(
            f"--shard is '{text}', but must be I/N with I from 0 to N-1, as in --shard=0/4 for the first of 4"
        )
    return index, count


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
        Flag(
            "calibrated",
            "mend the probabilities by the temperature that report has fitted on validation",
            False,
            flags.DEFINE_boolean,
        ),
        Flag("shard", "I/N: every N-th picture from number I (0 to N-1) on, for one of N jobs", "0/1"),
        *HOSTS,
        LANG,
    ),
    needs=("workdir",),
    run=run,
    takes_inputs=True,
)
