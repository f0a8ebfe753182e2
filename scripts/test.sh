#!/usr/bin/env bash
# Lint, type check and tests, in the environment of the quick start with the test tools added.
#
#   scripts/test.sh [--python PYTHON]
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/environment.sh
prepare_environment '[test]' "$@"

.venv/bin/python -m ruff check .
.venv/bin/python -m mypy study_classification configs
.venv/bin/python -m pytest -q -n auto --maxprocesses=4
