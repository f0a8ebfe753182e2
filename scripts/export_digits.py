"""Writes a few of scikit-learn's digits as PNG files, to have pictures to predict: export_digits.py FOLDER."""

import sys
from pathlib import Path

from study_classification.data.sources import list_digits

folder = Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
for item in list_digits().items[7::200]:
    (folder / item.name.replace("/", "-")).write_bytes(item.data)
