"""Makes the variables that training begins with: given weights, random values, statistics of the data."""

import functools
from itertools import islice

import jax
import jax.numpy as jnp
import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict
from jaxtyping import PyTree

from study_classification.data.batches import read
from study_classification.data.dataset import Dataset
from study_classification.data.sources import TRAIN
from study_classification.inputs.images.preprocess import Preprocess, normalize
from study_classification.inputs.images.reader import ImageReader
from study_classification.models.initial import init_variables
from study_classification.streams import INITIAL, stream
from study_classification.system.threads import num_workers, parallel
from study_classification.training.setup import Experiment

STATISTICS_OF = 5000  # the most training images of which a backbone takes statistics


def initial_variables(experiment: Experiment) -> dict[str, PyTree]:
    """The given weights, with random values by the seed for the rest."""
    key = stream(experiment.config.seed, INITIAL)
    init = functools.partial(init_variables, experiment.model, experiment.preprocess.shape, key)
    given = flatten_dict(experiment.pretrained.variables) if experiment.pretrained else {}
    # What runs once need not be compiled well: that would take half a minute on a CPU for a large network.
    hasty = {"xla_backend_optimization_level": 0} if jax.default_backend() == "cpu" else None

    @functools.partial(jax.jit, compiler_options=hasty)
    def missing() -> dict[tuple, jax.Array]:
        return {path: leaf for path, leaf in flatten_dict(init()).items() if path not in given}

    return {"params": {}, "batch_stats": {}} | unflatten_dict(missing() | given)


def first_variables(experiment: Experiment, data: Dataset) -> dict[str, PyTree]:
    """`initial_variables`, with the statistics that a backbone's `statistics_of` takes of the first training images.

    Given weights bring such statistics with them, of the images of their training.

    Raises:
        DataError: if one of these images cannot be read.
    """
    variables = initial_variables(experiment)
    if experiment.pretrained or not hasattr(experiment.model.backbone, "statistics_of"):
        return variables
    split, preprocess = data.images(TRAIN), experiment.preprocess
    assert isinstance(preprocess, Preprocess)  # of a network of images
    reader = ImageReader(preprocess, experiment.config.data.max_megapixels)
    rows = range(min(len(split), STATISTICS_OF))
    images = parallel(lambda row: read(split, row, reader)[0], rows, num_workers(experiment.config.data.workers))
    chunks = iter(lambda: list(islice(images, 500)), [])  # so that memory never holds more of them
    batches = (np.asarray(normalize(jnp.asarray(np.stack(chunk)), preprocess)) for chunk in chunks)
    found = experiment.model.backbone.statistics_of(batches)
    flat = flatten_dict(variables["batch_stats"]) | flatten_dict({"backbone": found})
    return variables | {"batch_stats": unflatten_dict(flat)}
