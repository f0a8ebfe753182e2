"""What a run was computed with, so that its numbers can be read years later."""

import platform
import sys
import time
from importlib import metadata

import jax

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
    """Versions, devices, the command and the time (UTC)."""

    def version(package: str) -> str | None:
        try:
            return metadata.version(package)
        except metadata.PackageNotFoundError:
            return None

    return {
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "command": sys.argv,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "devices": [device.device_kind for device in jax.devices()],
        "packages": {package: version(package) for package in PACKAGES},
    }
