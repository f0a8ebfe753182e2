#!/usr/bin/env bash
# Sets everything up, then trains, evaluates and predicts on real handwritten digits, without any download of data.
#
#   scripts/quickstart.sh [--python PYTHON]
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/environment.sh
prepare_environment '' "$@"

python=.venv/bin/python
run="runs/quickstart-$(date +%Y%m%d-%H%M%S)"
started=$SECONDS
echo
echo "== 1. Training a small network on 1,797 handwritten digits"
"$python" -m study_classification.main train --config=configs/quickstart.py --workdir="$run"
echo
echo "== 2. Evaluating it on test pictures that it has never seen"
"$python" -m study_classification.main evaluate --workdir="$run" --assert_accuracy=0.97
echo
echo "== 3. Predicting a few of the test pictures (saved as files first)"
"$python" scripts/export_test_pictures.py "$run" "$run/pictures"
"$python" -m study_classification.main predict --workdir="$run" --top_k=2 "$run/pictures"
cat <<END

Done in $((SECONDS - started)) seconds. What you have now:
  $run/curves.png    how loss and accuracy developed: open it
  $run/report.json   the test results
  $run/pictures      the pictures that were just predicted; each file name begins with the true digit

Next, your own photos: put them into one folder for each class (photos/cat, photos/dog, ...) and run
  .venv/bin/python -m study_classification.main --config=configs/photos.py:data=photos --workdir=runs/photos
  .venv/bin/python -m study_classification.main evaluate --workdir=runs/photos
  .venv/bin/python -m study_classification.main predict --workdir=runs/photos some_photo.jpg
END
