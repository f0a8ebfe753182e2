"""Photos in a folder, one sub-folder for each class: the study group's cats, dogs and horses, or your own.

COMMAND   python -m study_classification.main --config=configs/animals.py:data=FOLDER --workdir=runs/animals
          behind the colon also: model=NAME, learning=from_scratch|transfer_learning|fine_tuning, weights=FILE,
          size=PIXELS, epochs=N, time=10m, runlocal
HARDWARE  2 CPU cores are enough at 80 px
TIME      14 min 44 s, pinned to one busy core (measured)
RESULT    `original` from scratch on 1,792 photos of cats, dogs and horses, three splits: 82.1, 79.3 and 82.7 % of the
          validation images after 100 epochs, mean 81.4 % (measured); transfer learning and fine-tuning: see
          configs/photos.py and docs/results.md
"""

from ml_collections import ConfigDict

from study_classification.config import parse_arguments
from study_classification.configs import photos


def get_config(arguments: str = "") -> ConfigDict:
    return photos.configure(parse_arguments(
        arguments, data="animals", model="original", learning="from_scratch", weights="", size=0, epochs=0.0,
        time="", runlocal=False))
