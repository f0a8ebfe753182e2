"""Builds the pages of docs/ as a site, in the environment of the quick start, with the tools that it needs.

python scripts/docs.py [--python PYTHON]

A warning fails the build: a dead link, a cell of a notebook that fails, a page in no table of contents.
"""

import os
import subprocess
import sys

from environment import PYTHON, ROOT, only_python, prepare_environment, run_as_script, say

SITE = "docs/build/html"


def main() -> int:
    python = only_python(sys.argv[1:])
    os.chdir(str(ROOT))
    prepare_environment("docs", python)
    build = ["-m", "sphinx", "--fail-on-warning", "--keep-going", "--quiet", "-b", "html", "-c", "docs/site"]
    code = subprocess.call([str(PYTHON), *build, ".", SITE])
    if not code:
        say(f"Built: open {SITE}/docs/index.html")
    return code


if __name__ == "__main__":
    run_as_script(main)
