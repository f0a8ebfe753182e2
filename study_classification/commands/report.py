"""report: writes the page of a finished run."""

from functools import partial

from absl import flags

from study_classification.commands.verb import HOSTS, LANG, WORKDIR, Flag, Given, Verb


def run(given: Given) -> int:
    from study_classification.inference.report import report
    from study_classification.runs.directory import load

    report(load(given.workdir), given.values["split"], given.values["explain"])
    return 0


VERB = Verb(
    name="report",
    help="write report.html of the run in --workdir: figures, mistakes, what it shows and what to do next",
    usage="--workdir=DIR [--split=test] [--explain]",
    flags=(
        WORKDIR,
        Flag(
            "split",
            "validation, or test, once evaluate has measured it",
            "validation",
            partial(flags.DEFINE_enum, enum_values=["validation", "test"]),
        ),
        Flag("explain", "mark in the worst wrong pictures what the network looked at", False, flags.DEFINE_boolean),
        *HOSTS,
        LANG,
    ),
    needs=("workdir",),
    run=run,
)
