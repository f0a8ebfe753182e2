"""Lint, type check and tests, in the environment of the quick start with the test tools added.

python scripts/test.py [--python PYTHON]
"""

import os
import subprocess
import sys

from environment import PYTHON, ROOT, only_python, prepare_environment, run_as_script

CHECKS = (
    ("ruff", "check", "."),
    ("mypy", "study_classification", "configs"),
    ("pytest", "-q", "-n", "auto", "--maxprocesses=4", "--dist=worksteal"),  # tests of a file share what they compile
)


def main() -> int:
    python = only_python(sys.argv[1:])
    os.chdir(str(ROOT))
    prepare_environment("test", python)
    for check in CHECKS:
        code = subprocess.call([str(PYTHON), "-m", *check])
        if code:
            return code
    return 0


if __name__ == "__main__":
    run_as_script(main)
