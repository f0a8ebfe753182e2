"""A small piece of work that has all there is: images, a network with BatchNorm and dropout, runs, a cache."""

import csv
import hashlib
import json
import shutil
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import program
from PIL import Image

NETWORK = '''
import flax.linen as nn
import jax.numpy as jnp


class Tiny(nn.Module):
    """With all that a state can hold: kernels, the statistics of BatchNorm, and a random stream."""

    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, x, train):
        x = nn.Conv(4, (3, 3), strides=2, use_bias=False, dtype=self.dtype)(x)
        x = nn.relu(nn.BatchNorm(use_running_average=not train, dtype=self.dtype)(x))
        return nn.Dropout(0.1, deterministic=not train)(x)
'''
TIMES = ("images_per_second", "seconds")  # columns of history.csv that differ from run to run
HALF, WHOLE = 3, 6  # epochs


@dataclass(frozen=True)
class Workload:
    """What all parts begin with. Nothing of it is changed: a fault is done to a copy.

    Attributes:
        folder: everything lies below it.
        whole_run: a run of WHOLE epochs that was never interrupted.
        half: a run of HALF epochs, evaluated, which WHOLE epochs go on from.
        prepared: a cache after the verb `prepare`.
        cache: a cache after trainings.
        whole: digest of `whole_run`.
        measured: what `evaluate` gives for `half`.
        predicted: what `predict` gives for `half`.
        images_digest: of the folder of images.
    """

    folder: Path
    whole_run: Path
    half: Path
    prepared: Path
    cache: Path
    whole: str
    measured: object
    predicted: str
    images_digest: str

    @property
    def images(self) -> Path:
        return self.folder / "photos"

    def train(self, folder: Path, run: Path, cache: Path) -> tuple[program.Ended, bool]:
        """Trains, or resumes, to the end; tells whether the run then is the one that was never interrupted."""
        ended = program.run(train(self.folder, run, cache), folder, partial(digest_of_run, run))
        return ended, ended.found == self.whole

    def new_cache(self, folder: Path) -> Path:
        """A cache below a folder that has the compiled programs, which take seconds, and nothing else."""
        shutil.copytree(self.cache / "xla", folder / "cache" / "xla")
        return folder / "cache"

    def scratch(self, name: str) -> Path:
        """An empty folder, for one case."""
        folder = self.folder / "scratch" / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder


def make_workload(folder: Path) -> Workload:
    """Writes the images and the network, and makes the runs that all others are compared with."""
    _write_images(folder / "photos")
    (folder / "tiny.py").write_text(NETWORK, encoding="utf-8")
    half, whole, prepared, cache = (folder / name for name in ("half", "whole", "prepared", "cache"))

    def done(arguments, after=None):
        ended = program.run(arguments, folder / "log", after)
        assert ended.code == 0, f"{arguments}: {ended}"
        return ended

    done(prepare(folder, prepared))
    shutil.copytree(prepared, cache)
    digest = done(train(folder, whole, cache), partial(digest_of_run, whole)).found
    done(train(folder, half, cache, HALF))
    measured = done(["evaluate", f"--workdir={half}"], partial(report_of, half)).found
    predicted = done(["predict", f"--workdir={half}", "--format=csv", str(folder / "photos")]).out
    return Workload(
        folder, whole, half, prepared, cache, digest, measured, predicted, digest_of_folder(folder / "photos")
    )


def train(folder: Path, workdir: Path, cache: Path, epochs: int = WHOLE) -> list[str]:
    """The command line of a training that saves after every second step."""
    fields = {
        "data.source": folder / "photos",
        "data.cache_dir": cache,
        "model.name": f"{folder / 'tiny.py'}:Tiny",
        "preprocess.image_size": 8,
        "augment.shift": 0.1,
        "batch_size": 8,
        "optimizer.learning_rate": 0.03,
        "schedule.name": "constant",  # so that more epochs change nothing about the first ones
        "monitor": "val_loss",
        "early_stopping.min_delta": 10,  # so that the first epoch stays the best, and two checkpoints are kept
        "total_epochs": epochs,
        "checkpoint_every_epochs": 0,
        "checkpoint_every_steps": 2,
    }
    default = Path(__file__).resolve().parents[2] / "configs" / "default.py"
    return [f"--config={default}", f"--workdir={workdir}", *(f"--config.{key}={fields[key]}" for key in fields)]


def transfer(folder: Path, workdir: Path, cache: Path, run: Path) -> list[str]:
    """The command line of a training of a head on the stored features of a run's backbone."""
    given = {"learning": "transfer_learning", "model.weights": run, "augment.shift": 0.0}
    return [*train(folder, workdir, cache, HALF), *(f"--config.{key}={given[key]}" for key in given)]


def prepare(folder: Path, cache: Path) -> list[str]:
    """The command line that reads the images alone."""
    return ["prepare", *(part for part in train(folder, folder, cache) if not part.startswith("--workdir"))]


def digest_of_run(workdir: Path) -> str:
    """Of all that the last checkpoint holds, and of the history without its times."""
    import jax
    from orbax.checkpoint import v1 as ocp

    digest = hashlib.sha256()
    latest = max(
        (path for path in (workdir / "checkpoints").iterdir() if path.name.isdigit()), key=lambda p: int(p.name)
    )
    stored = ocp.checkpointables_metadata(latest.absolute()).metadata
    shapes = {
        name: jax.tree.map(lambda leaf: np.empty(leaf.shape, leaf.dtype), stored[name])
        for name in ("model", "training")
    }
    found = ocp.load_checkpointables(latest.absolute(), shapes)
    for path, leaf in jax.tree_util.tree_flatten_with_path(found)[0]:
        digest.update(jax.tree_util.keystr(path).encode() + np.ascontiguousarray(leaf).tobytes())
    with (workdir / "history.csv").open(encoding="utf-8", newline="") as lines:
        rows = [{key: value for key, value in row.items() if key not in TIMES} for row in csv.DictReader(lines)]
    digest.update(repr(rows).encode())
    return digest.hexdigest()


def report_of(workdir: Path) -> object:
    """The results of the evaluations of a run."""
    return json.loads((workdir / "report.json").read_text(encoding="utf-8"))


def digest_of_folder(folder: Path) -> str:
    """Of the names and contents of all files."""
    digest = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(str(file.relative_to(folder)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def _write_images(folder: Path) -> None:
    random = np.random.default_rng(0)
    for number, name in enumerate(("cat", "dog", "horse")):
        (folder / name).mkdir(parents=True)
        for count in range(12):
            pixels = random.integers(0, 200, (8, 8, 3), np.uint8)
            pixels[..., number] += 40
            Image.fromarray(pixels).save(folder / name / f"{count:02}.png")
