"""How fast pictures get from JPEG files into uint8 batches: this project's streaming, tf.data, a PyTorch DataLoader.

    python scripts/benchmarks/input_pipeline.py --data=FOLDER --peer_python=.venv-benchmarks/bin/python

README.md says what is measured, and how. The table begins with the ratios; all figures go to a CSV file.
"""

import argparse
import csv
import json
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from datetime import date
from pathlib import Path
from statistics import median

import jax
import numpy as np
import psutil
from PIL import Image
from pipelines import BATCH, PIPELINES, Job

from study_classification import device
from study_classification.configs import animals
from study_classification.data.augment import Augment
from study_classification.data.dataset import open_dataset
from study_classification.data.pipeline import TrainingPlan, View, open_images
from study_classification.data.preprocess import Preprocess
from study_classification.models import create_model
from study_classification.optimizer import learning_rate_schedule, make_optimizer
from study_classification.steps import init_state, make_train_step

HERE = Path(__file__).resolve().parent
OURS = "study_classification"
CANVAS_SIZE = 80  # of the training at 64 pixels
LARGE_SIDE = 2000  # short side in pixels of the enlarged pictures


class Served:
    """A pipeline in a process of its own, with all its passes so far."""

    def __init__(self, name: str, python: str, job: Job, sample: Path):
        command = [python, HERE / "pipelines.py", name, json.dumps(asdict(job)), sample]
        environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu"}
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
        )
        self.versions = self._answer()["versions"]
        self.sample = np.load(sample).astype(int)
        self.seconds: list[float] = []
        self.cpu_seconds: list[float] = []
