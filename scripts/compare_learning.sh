#!/usr/bin/env bash
# The study group's comparison: four networks by three types of learning on a folder of photos, as CSV and Markdown.
#
#   scripts/compare_learning.sh DATA [--python PYTHON] [options of compare_learning.py, see --help]
set -euo pipefail
root="$(cd "$(dirname "$0")/.." && pwd)"
environment_arguments=()
arguments=()
while [ $# -gt 0 ]; do
  if [ "$1" = --python ]; then environment_arguments=("$1" "${2:?--python needs a value}"); shift 2
  else arguments+=("$1"); shift; fi
done
(cd "$root" && . scripts/environment.sh && prepare_environment '' ${environment_arguments[@]+"${environment_arguments[@]}"})
exec "$root/.venv/bin/python" "$root/scripts/compare_learning.py" ${arguments[@]+"${arguments[@]}"}
