"""Describes what a run was computed with, so that its numbers can be understood years later."""

import platform
import sys
import time
from importlib import metadata
from pathlib import Path

import jax

from study_classification.runs.json_files import read_json
from study_classification.system.files import write_json

ENVIRONMENT = "environment.json"
PACKAGES = (
    "study-classification",
    "jax",
    "jaxlib",
    "flax",
    "optax",
    "orbax-checkpoint",
    "numpy",
    "pillow",
    "grain",
    "tensorflow-datasets",
)


def describe_environment() -> dict:
    """The versions, devices, command and time (UTC) of this process, for JSON."""

    def version(package: str) -> str | None:
        try:
            return metadata.version(package)
        except metadata.PackageNotFoundError:
            return None

    return {
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "command": sys.orig_argv,  # sys.argv lacks what follows -m
        "python": platform.python_version(),
        "platform": platform.platform(),
        "devices": [device.device_kind for device in jax.devices()],
        "packages": {package: version(package) for package in PACKAGES},
    }


def write_environment(workdir: Path) -> None:
    """Writes the environment into a run directory.

    Raises:
        EnvironmentFault: if the file cannot be written.
    """
    write_json(workdir / ENVIRONMENT, describe_environment())


def read_environment(workdir: Path) -> dict:
    """Reads what `write_environment` wrote.

    Raises:
        RunError: if the file is absent or damaged.
    """
    return read_json(workdir / ENVIRONMENT, remedy="restore it, or take that of another run")
