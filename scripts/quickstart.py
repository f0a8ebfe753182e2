"""Sets everything up, then trains, evaluates and predicts on real handwritten digits, without any download of data.

python scripts/quickstart.py [--python PYTHON]
"""

import os
import subprocess
import sys
import time

from environment import PYTHON, ROOT, only_python, prepare_environment, run_as_script, say

DONE = """
Done in {seconds} seconds. What you have now:
  {run}/report.html   a page with curves, mistakes and what to do next: open it
  {run}/report.json   the test results
  {run}/pictures      the pictures that were just predicted; each file name begins with the true digit

Next, your own photos: put them into one folder for each class (photos/cat, photos/dog, ...) and run
  {python} -m study_classification.main --config=configs/photos.py:data=photos --workdir=runs/photos
  {python} -m study_classification.main evaluate --workdir=runs/photos
  {python} -m study_classification.main predict --workdir=runs/photos some_photo.jpg"""


def main() -> int:
    python = only_python(sys.argv[1:])
    os.chdir(str(ROOT))
    prepare_environment(python=python)
    run = time.strftime("runs/quickstart-%Y%m%d-%H%M%S")
    program = ["-m", "study_classification.main"]
    started = time.time()
    for title, arguments in (
        (
            "1. Training a small network on 1,797 handwritten digits",
            [*program, "train", "--config=configs/quickstart.py", f"--workdir={run}"],
        ),
        (
            "2. Evaluating it on test pictures that it has never seen",
            [*program, "evaluate", f"--workdir={run}", "--assert_accuracy=0.97"],
        ),
        (
            "3. Predicting a few of the test pictures (saved as files first)",
            ["scripts/export_test_images.py", run, f"{run}/pictures"],
        ),
        ("", [*program, "predict", f"--workdir={run}", "--top_k=2", f"{run}/pictures"]),
    ):
        if title:
            say(f"\n== {title}")
        code = subprocess.call([str(PYTHON), *arguments])
        if code:
            return code
    say(DONE.format(seconds=round(time.time() - started), run=run, python=PYTHON.relative_to(ROOT)))
    return 0


if __name__ == "__main__":
    run_as_script(main)
