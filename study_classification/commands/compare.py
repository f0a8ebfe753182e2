"""compare: shows finished runs side by side."""

from study_classification.commands.verb import LANG, Flag, Given, Verb
from study_classification.paths import user_folder


def run(given: Given) -> int:
    from study_classification.studies.compare import compare

    out = given.values["out"]
    compare(given.inputs, user_folder(out) if out else None)
    return 0


VERB = Verb(
    name="compare",
    help="show finished runs side by side: settings that differ, results, seeds, chance",
    usage="[--out=DIR] RUN|FOLDER|PATTERN ...",
    flags=(
        Flag("out", "folder for compare.md, compare.csv, compare.html and compare.png; without it nothing is written"),
        LANG,
    ),
    needs=(),
    needs_all=True,
    run=run,
    takes_inputs=True,
)
