"""Times one network of one library on request: `python step_workers.py NAME JOB`, for train_step.py.

A training step takes a uint8 batch that is on the device: normalise, forward, cross-entropy, backward, Adam. Inference
takes the same batch to logits. The file runs in the peers' environment, too, so it imports no library before its use.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from pipelines import versions

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
LEARNING_RATE = 1e-3


@dataclass(frozen=True)
class Job:
    """`size` is the side of the images; `precision` is float32 or bfloat16 (of products, not of parameters)."""

    network: str
    size: int
    batch: int
    precision: str
    classes: int
    cores: int

    def images(self) -> np.ndarray:
        return np.random.default_rng(0).integers(0, 256, (self.batch, self.size, self.size, 3), np.uint8)

    def labels(self) -> np.ndarray:
        return np.random.default_rng(1).integers(0, self.classes, self.batch, np.int32)


@dataclass(frozen=True)
class Timed:
    """A network that is ready: `train(n)` and `infer(n)` start n steps on the device, and return a function that waits.

    Attributes:
        parameters: the number of parameters.
        flops: the FLOPs of a training step, if the library counts them.
        peak_bytes: () -> the peak memory of the device, if the library tells it.
    """

    parameters: int
    train: Callable[[int], Callable[[], object]]
    infer: Callable[[int], Callable[[], object]]
    flops: Callable[[], float] = lambda: 0.0
    peak_bytes: Callable[[], int] = lambda: 0


def study_classification(job: Job) -> Timed:
    import jax
    import jax.numpy as jnp

    from study_classification.configs import default
    from study_classification.data.prepare import cache_directory
    from study_classification.inputs.images.augment import Augment
    from study_classification.inputs.images.preprocess import Preprocess
    from study_classification.models import create_model
    from study_classification.models.initial import variable_shapes
    from study_classification.optim.freezing import trainable_mask
    from study_classification.optim.optimizer import make_optimizer
    from study_classification.system import devices
    from study_classification.tasks.prediction import make_predict_step
    from study_classification.tasks.softmax import Softmax
    from study_classification.tasks.task import names_of
    from study_classification.training.initial import initial_variables
    from study_classification.training.setup import Experiment
    from study_classification.training.state import init_state
    from study_classification.training.step import make_train_step

    config = default.get_config()
    devices.start_devices(cache_directory(config.data))
    config.model.name = job.network
    config.optimizer.learning_rate = LEARNING_RATE
    model = create_model(config.model, job.classes, devices.compute_dtype(job.precision))
    preprocess = Preprocess(job.size, job.size, "bilinear", 3, MEAN, STD)
    shapes = variable_shapes(model, preprocess.shape)
    mask = trainable_mask(shapes["params"], "from_scratch", ())
    augmentation = Augment(job.size, job.size)
    mesh = devices.make_mesh(1)
    task, class_names = Softmax(job.classes), tuple(map(str, range(job.classes)))
    experiment = Experiment(config, preprocess, augmentation, mesh, model, task, class_names, mask, None)
    optimizer = make_optimizer(config.optimizer, lambda step: LEARNING_RATE)
    step = make_train_step(model, optimizer, preprocess, augmentation, config, task, mask)
    batch = {
        "image": jnp.asarray(job.images()),
        "label": jnp.asarray(job.labels()),
        "aspect": jnp.ones(job.batch),
        "index": jnp.arange(job.batch),
        "epoch": jnp.zeros(job.batch, jnp.int32),
    }
    start = partial(init_state, optimizer=optimizer, mask=mask, names=names_of(task))
    state = jax.jit(start)(initial_variables(experiment))
    compiled = jax.jit(step, donate_argnums=0).lower(state, batch).compile()
    predict_step = jax.jit(make_predict_step(model, preprocess, task))

    def train(count: int) -> Callable[[], object]:
        nonlocal state
        for _ in range(count):
            state = compiled(state, batch)
        return state.step.block_until_ready

    def infer(count: int) -> Callable[[], object]:
        for _ in range(count):
            output = predict_step(state.variables(), batch)
        return output.block_until_ready

    return Timed(
        sum(leaf.size for leaf in jax.tree.leaves(state.params)),
        train,
        infer,
        lambda: (compiled.cost_analysis() or {}).get("flops", 0.0),
        lambda: (jax.devices()[0].memory_stats() or {}).get("peak_bytes_in_use", 0),
    )


def pytorch(job: Job) -> Timed:
    """`channels_last`; on a GPU also `torch.compile`, and for bfloat16 automatic mixed precision."""
    import torch
    from torch import nn

    on_gpu = torch.cuda.is_available()
    place = torch.device("cuda" if on_gpu else "cpu")
    torch.set_num_threads(job.cores)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    network = pytorch_network(job).to(place, memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(network.parameters(), LEARNING_RATE, fused=on_gpu)
    images = torch.from_numpy(job.images()).permute(0, 3, 1, 2).to(place, memory_format=torch.channels_last)
    labels = torch.from_numpy(job.labels()).long().to(place)
    mean, std = (torch.tensor(values, device=place).reshape(1, 3, 1, 1) for values in (MEAN, STD))
    mixed = torch.autocast(place.type, torch.bfloat16, enabled=job.precision == "bfloat16")

    def logits() -> torch.Tensor:
        with mixed:
            return network((images.float() / 255 - mean) / std)

    def loss() -> torch.Tensor:
        return nn.functional.cross_entropy(logits().float(), labels)

    forward, loss = (torch.compile(f) if on_gpu else f for f in (logits, loss))

    def train(count: int) -> Callable[[], object]:
        network.train()
        for _ in range(count):
            optimizer.zero_grad(set_to_none=True)
            loss().backward()
            optimizer.step()
        return wait

    def infer(count: int) -> Callable[[], object]:
        network.eval()
        with torch.inference_mode():
            for _ in range(count):
                forward()
        return wait

    def wait() -> None:
        if on_gpu:
            torch.cuda.synchronize()

    count = sum(parameter.numel() for parameter in network.parameters())
    return Timed(count, train, infer, peak_bytes=torch.cuda.max_memory_allocated if on_gpu else lambda: 0)


def pytorch_network(job: Job):
    """The network of torchvision, or one of the two that it lacks."""
    import torch
    from torch import nn
    from torchvision import models

    def original() -> nn.Module:
        layers: list[nn.Module] = []
        filters = (3, 16, 32, 64, 64, 64, 64)
        for i in range(6):
            layers += [nn.Conv2d(filters[i], filters[i + 1], 3), nn.ReLU()]
            layers += [nn.MaxPool2d(2)] * (i < 4)
        layers += [nn.Flatten(), nn.LazyLinear(516), nn.ReLU(), nn.Linear(516, 256), nn.ReLU()]
        network = nn.Sequential(*layers, nn.Linear(256, job.classes))
        network(torch.zeros(1, 3, job.size, job.size))  # which tells the lazy layer its inputs
        return network

    class Block(nn.Module):
        def __init__(self, inputs: int, filters: int, stride: int):
            super().__init__()
            self.conv1 = nn.Conv2d(inputs, filters, 3, stride, 1, bias=False)
            self.bn1 = nn.BatchNorm2d(filters)
            self.conv2 = nn.Conv2d(filters, filters, 3, 1, 1, bias=False)
            self.bn2 = nn.BatchNorm2d(filters)
            self.stride, self.more = stride, (filters - inputs) // 2

        def forward(self, x):
            y = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))
            if self.stride > 1:
                x = nn.functional.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, self.more, self.more))
            return (x + y).relu()

    def resnet20() -> nn.Module:
        layers = [nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
        layers += [Block(16, 16, 1) for _ in range(3)]
        layers += [Block(16, 32, 2), Block(32, 32, 1), Block(32, 32, 1)]
        layers += [Block(32, 64, 2), Block(64, 64, 1), Block(64, 64, 1)]
        return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, job.classes))

    own = {"original": original, "resnet20": resnet20}
    return own[job.network]() if job.network in own else models.get_model(job.network, num_classes=job.classes)


def keras(job: Job) -> Timed | None:
    """keras.applications on TensorFlow; None for a network that it does not have."""
    import keras
    import tensorflow as tf

    names = {
        "resnet50": "ResNet50",
        "vgg16": "VGG16",
        "mobilenet_v2": "MobileNetV2",
        "efficientnet_b0": "EfficientNetB0",
        "efficientnet_b4": "EfficientNetB4",
    }
    tf.config.threading.set_intra_op_parallelism_threads(job.cores)
    if job.precision == "bfloat16":
        keras.mixed_precision.set_global_policy("mixed_bfloat16")
    shape = (job.size, job.size, 3)
    if job.network == "original":
        layers: list[keras.Layer] = [keras.Input(shape)]
        for i, filters in enumerate((16, 32, 64, 64, 64, 64)):
            layers += [keras.layers.Conv2D(filters, 3, activation="relu")]
            layers += [keras.layers.MaxPooling2D()] * (i < 4)
        layers += [keras.layers.Flatten()]
        layers += [keras.layers.Dense(width, activation="relu") for width in (516, 256)]
        network = keras.Sequential([*layers, keras.layers.Dense(job.classes, dtype="float32")])
    elif job.network in names:
        make = getattr(keras.applications, names[job.network])
        network = make(weights=None, input_shape=shape, classes=job.classes, classifier_activation=None)
    else:
        return None
    optimizer = keras.optimizers.Adam(LEARNING_RATE)
    optimizer.build(network.trainable_variables)
    images, labels = tf.constant(job.images()), tf.constant(job.labels())
    measure = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    def normalised() -> tf.Tensor:
        return (tf.cast(images, tf.float32) / 255 - MEAN) / STD

    @tf.function
    def step() -> None:
        with tf.GradientTape() as tape:
            loss = measure(labels, network(normalised(), training=True))
        optimizer.apply(tape.gradient(loss, network.trainable_variables), network.trainable_variables)

    @tf.function
    def forward() -> tf.Tensor:
        return network(normalised(), training=False)

    def train(count: int) -> Callable[[], object]:
        for _ in range(count):
            step()
        return network.trainable_variables[0].numpy

    def infer(count: int) -> Callable[[], object]:
        for _ in range(count):
            output = forward()
        return output.numpy

    return Timed(sum(int(np.prod(v.shape)) for v in network.trainable_variables), train, infer)


# name -> (maker, libraries whose versions matter)
WORKERS = {
    "study_classification": (study_classification, ("jax", "flax")),
    "PyTorch": (pytorch, ("torch", "torchvision")),
    "Keras": (keras, ("keras", "tensorflow")),
}


def main() -> None:
    """Describes itself; then, for each line `train N` or `infer N`, takes the steps and answers their seconds."""
    name, job = sys.argv[1], Job(**json.loads(sys.argv[2]))
    answers, sys.stdout = sys.stdout, sys.stderr  # what libraries print is no answer
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: job.cores])
    os.environ["JAX_ENABLE_COMPILATION_CACHE"] = "false"  # so that start_seconds are those of the first time
    make, libraries = WORKERS[name]
    begun = time.perf_counter()
    timed = make(job)
    if timed is None:
        print(json.dumps({}), file=answers, flush=True)
        return
    timed.train(1)()
    about = {"parameters": timed.parameters, "start_seconds": time.perf_counter() - begun}
    timed.infer(1)()
    print(json.dumps({"versions": versions(libraries), "flops": timed.flops()} | about), file=answers, flush=True)
    for line in sys.stdin:
        kind, count = line.split()
        begun = time.perf_counter()
        wait = (timed.train if kind == "train" else timed.infer)(int(count))
        handed = time.perf_counter()
        wait()
        answer = {"seconds": time.perf_counter() - begun, "host_seconds": handed - begun}
        print(json.dumps(answer | {"peak_bytes": timed.peak_bytes()}), file=answers, flush=True)


if __name__ == "__main__":
    main()
