#!/usr/bin/env bash
# Puts this checkout, as it is now, on all workers of a TPU: as a wheel, with a Python of its own and a jax for the TPU.
#
#   scripts/tpu/setup.sh --name=NAME --zone=ZONE [--project=PROJECT] [--dry-run]
set -euo pipefail
cd "$(dirname "$0")/../.."
. scripts/tpu/options.sh
read_options '' "$@"
wheel=study_classification-$(sed -n 's/^version = //p' setup.cfg)-py3-none-any.whl
call rm -rf build/lib  # of an earlier wheel, with files that may be gone
call python3 -m pip wheel --quiet --no-deps --wheel-dir=build/tpu .
call gcloud compute tpus tpu-vm scp "build/tpu/$wheel" scripts/tpu/worker.sh "$name:" "${place[@]}" --worker=all
on_workers all "python3 -m pip install --quiet --user uv && \
python3 -m uv venv --quiet --allow-existing --python=3.13 env && \
python3 -m uv pip install --quiet --python=env/bin/python --reinstall-package=study-classification ./$wheel 'jax[tpu]'"
