"""Writes a few test images of a run on the digits as PNG files: export_test_images.py RUN FOLDER."""

import csv
import sys
from pathlib import Path

from study_classification.data.sources import list_digits

run, folder = map(Path, sys.argv[1:])
with (run / "splits.csv").open(encoding="utf-8", newline="") as lines:
    test = [row["name"] for row in csv.DictReader(lines) if row["split"] == "test"]
folder.mkdir(parents=True, exist_ok=True)
digits = {item.name: item for item in list_digits().items}
for name in test[7::20]:
    (folder / name.replace("/", "-")).write_bytes(digits[name].data)
