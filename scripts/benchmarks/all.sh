#!/usr/bin/env bash
# All benchmarks that need no GPU, shortened: under 20 minutes on 2 idle cores. See README.md.
#
#   scripts/benchmarks/all.sh FOLDER_OF_PHOTOS FOLDER_OF_WEIGHTS [PYTHON_OF_THE_PEERS]
set -euo pipefail
data=$(realpath "${1:?a folder with one folder of JPEG photos a class}")
weights=$(realpath "${2:?a folder with mobilenet_v2_imagenet.h5 and .safetensors}")
cd "$(dirname "$0")/../.."
python=.venv/bin/python
peer=${3:-.venv-benchmarks/bin/python}
"$python" scripts/benchmarks/train_step.py --peer_python="$peer" --rounds=5
"$python" scripts/benchmarks/convolution.py --peer_python="$peer" --rounds=3
"$python" scripts/benchmarks/transfer_learning.py --peer_python="$peer" --data="$data" --weights="$weights" \
  --epochs=10,30 --peer_epochs=3
"$python" scripts/benchmarks/input_pipeline.py --peer_python="$peer" --data="$data" --rounds=2 --enlarged=0
