"""check: shows what is in a folder of images, before any training. It changes nothing in the folder."""

from pathlib import Path

from study_classification.commands.verb import LANG, Flag, Given, Verb
from study_classification.errors import ConfigError, DataError
from study_classification.paths import absolute, user_folder, user_path


def run(given: Given) -> int:
    if not given.inputs:
        raise ConfigError("check needs a folder or manifest of pictures: study-classification check FOLDER")
    if len(given.inputs) > 1:
        raise ConfigError(f"check takes one folder or manifest, not {len(given.inputs)}: check one at a time")
    (source,) = given.inputs
    if source.startswith("tfds:"):
        raise DataError(
            f"check looks through a folder or manifest of pictures, but {source} is neither: give one of these"
        )
    out = _folder(source, given.values["out"])
    from study_classification.configs import default
    from study_classification.data.examine import examine
    from study_classification.data.report import format_report
    from study_classification.data.sources import list_source
    from study_classification.pages.data import data_page
    from study_classification.runs.own_data import REPORT
    from study_classification.system.console import say
    from study_classification.system.files import make_output, write_json, write_text

    found = examine(source, list_source(source), default.get_config().data)
    say(format_report(found.report, bars=True))
    make_output(out)
    page = (out / REPORT).with_suffix(".html")
    write_json(out / REPORT, found.report)
    write_text(page, data_page(found))
    say(f"All of it, with thumbnails: {page}")
    if found.problem:
        raise DataError(found.problem)
    return 0


def _folder(source: str, out: str) -> Path:
    """The folder of the report: `out`, or a new one in the current folder, named after the source.

    Raises:
        ConfigError: if the folder lies in the user's data.
    """
    data = absolute(user_path(source))
    folder = user_folder(out or f"check-{data.stem}")
    if data.is_dir() and absolute(folder).is_relative_to(data):
        raise ConfigError(
            f"the report would lie in {source}, where nothing is changed: give another folder as --out=DIR"
        )
    return folder


VERB = Verb(
    name="check",
    help="show what is in the folder or manifest that follows: counts, duplicates, odd pictures, the split",
    usage="[--out=DIR] FOLDER|MANIFEST",
    flags=(
        Flag("out", "folder for data_report.html and data_report.json; without it a new one in the current folder"),
        LANG,
    ),
    needs=(),
    needs_all=True,
    run=run,
    takes_inputs=True,
)
