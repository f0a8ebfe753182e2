"""evaluate: measures a finished run."""

from functools import partial

from absl import flags

from study_classification.commands.verb import CHECKPOINT, HOSTS, LANG, TTA, WORKDIR, Flag, Given, Verb


def run(given: Given) -> int:
    from study_classification.inference.evaluate import evaluate
    from study_classification.runs.directory import load

    evaluate(
        load(given.workdir),
        split=given.values["split"],
        source=given.values["data"],
        checkpoint=given.values["checkpoint"],
        tta=given.values["tta"],
        assert_accuracy=given.values["assert_accuracy"],
        worst=given.values["worst"],
    )
    return 0


VERB = Verb(
    name="evaluate",
    help="measure the run in --workdir on a split or on other data; writes report.json",
    usage="--workdir=DIR [--split=SPLIT] [--data=SOURCE] [--tta=flip] [--worst=N]",
    flags=(
        WORKDIR,
        CHECKPOINT,
        TTA,
        Flag("split", "train, validation or test; without it test, if there is one"),
        Flag("data", "another source instead of the run's own data; all of it, unless --split is given"),
        Flag(
            "assert_accuracy",
            "fail below this accuracy, with exit code 7",
            0.0,
            partial(flags.DEFINE_float, lower_bound=0.0, upper_bound=1.0),
        ),
        Flag(
            "worst",
            "how many examples with the largest losses to list in worst.csv of the run",
            0,
            partial(flags.DEFINE_integer, lower_bound=0),
        ),
        *HOSTS,
        LANG,
    ),
    needs=("workdir",),
    run=run,
)
