"""What to do after a training: the commands, as they can be typed."""

import shlex
import shutil
import sys
from pathlib import Path


def next_steps(workdir: Path, curves: Path, noun: str = "pictures") -> str:
    """Where the curves are, and the commands to evaluate and to use the network of a run."""
    command, run = program(), shlex.quote(str(workdir))
    yours, file = ("a picture", "PICTURE.jpg") if noun == "pictures" else (noun, "FILE.csv")
    steps = {
        "look at the curves": curves,
        f"on unseen {noun}": f"{command} evaluate --workdir={run}",
        f"on {yours} of yours": f"{command} predict --workdir={run} {file}",
    }
    return "\n".join(["Next:", *(f"  {what:<24}{how}" for what, how in steps.items())])


def program() -> str:
    """The command that runs this program, as it can be typed where the user is."""
    name = Path(sys.argv[0])
    if name.stem == "study-classification":
        return name.name if shutil.which(name.name) == str(name.absolute()) else shlex.quote(_from_here(name))
    python = Path(sys.executable)
    python_name = python.name if shutil.which(python.name) == str(python) else shlex.quote(_from_here(python))
    return f"{python_name} -m study_classification.main"


def _from_here(file: Path) -> str:
    here = Path.cwd()
    return str(file.relative_to(here) if file.is_absolute() and file.is_relative_to(here) else file)
