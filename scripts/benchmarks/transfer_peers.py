"""Transfer learning as users of Keras and PyTorch do it: each image is decoded and passes the frozen backbone in every
epoch. `python transfer_peers.py NAME JOB` trains with one of them, for transfer_learning.py.

The file runs in the environment of the peers, so it imports nothing of the project, and libraries only when needed.
"""

import json
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pipelines import BATCH, EVAL_RESIZE, EVAL_SIZE, versions

LEARNING_RATE = 1e-3  # of Adam, constant


@dataclass(frozen=True)
class Job:
    """The job of a peer.

    Attributes:
        folder: holds train/CLASS/* and validation/CLASS/*.
        weights: path of the weights without its suffix: Keras reads the `.h5`, PyTorch the `.safetensors`.
        epochs: how often to go over the images.
        workers: decoding processes, where a peer asks for their number.
    """

    folder: str
    weights: str
    epochs: int
    workers: int

    def num_classes(self) -> int:
        return len(list(Path(self.folder, "train").iterdir()))


@dataclass
class Epochs:
    """The end of each epoch, in seconds since this object was made, and the validation accuracy after it."""

    epoch_ends: list[float] = field(default_factory=list)
    val_accuracy: list[float] = field(default_factory=list)

    def __post_init__(self):
        self._started = time.perf_counter()

    def add(self, accuracy: float) -> None:
        self.epoch_ends.append(time.perf_counter() - self._started)
        self.val_accuracy.append(float(accuracy))


def keras_fit(job: Job) -> Epochs:
    """`fit` on `image_dataset_from_directory`, which decodes in as many threads as pay."""
    import keras
    import tensorflow as tf

    epochs = Epochs()
    border = (EVAL_RESIZE - EVAL_SIZE) // 2

    def read(split: str) -> tf.data.Dataset:
        dataset = keras.utils.image_dataset_from_directory(
            f"{job.folder}/{split}",
            image_size=(EVAL_RESIZE, EVAL_RESIZE),
            crop_to_aspect_ratio=True,
            batch_size=BATCH,
            shuffle=split == "train",
            verbose=False,
        )
        central = dataset.map(
            lambda images, labels: (images[:, border:-border, border:-border] / 127.5 - 1, labels),
            num_parallel_calls=tf.data.AUTOTUNE,
        )
        return central.prefetch(tf.data.AUTOTUNE)

    network = keras.applications.MobileNetV2(weights=f"{job.weights}.h5")
    backbone = keras.Model(network.input, network.layers[-2].output)  # up to the pooled features
    backbone.trainable = False
    model = keras.Sequential([backbone, keras.layers.Dense(job.num_classes(), activation="softmax")])
    model.compile(keras.optimizers.Adam(LEARNING_RATE), "sparse_categorical_crossentropy", metrics=["accuracy"])
    told = keras.callbacks.LambdaCallback(on_epoch_end=lambda _, logs: epochs.add(logs["val_accuracy"]))
    model.fit(read("train"), validation_data=read("validation"), epochs=job.epochs, verbose=0, callbacks=[told])
    return epochs


def pytorch_loop(job: Job) -> Epochs:
    """The loop of the tutorials, `channels_last`, with torchvision's data set, transforms and network.

    Its strided convolutions pad symmetrically, but the weights expect TensorFlow's padding. The work is the same, the
    features differ.
    """
    import torch
    from safetensors.torch import load_file
    from torch import nn
    from torch.utils.data import DataLoader
    from torchvision import datasets, models, transforms

    epochs = Epochs()
    view = [transforms.Resize(EVAL_RESIZE), transforms.CenterCrop(EVAL_SIZE)]
    view += [transforms.ToTensor(), transforms.Normalize(3 * [0.5], 3 * [0.5])]

    def read(split: str) -> DataLoader:
        examples = datasets.ImageFolder(f"{job.folder}/{split}", transforms.Compose(view))
        return DataLoader(examples, BATCH, split == "train", num_workers=job.workers, persistent_workers=True)

    network = models.mobilenet_v2()
    network.load_state_dict(load_file(f"{job.weights}.safetensors"))
    backbone = nn.Sequential(network.features, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    backbone.eval().to(memory_format=torch.channels_last)
    head = nn.Linear(network.last_channel, job.num_classes())
    optimizer = torch.optim.Adam(head.parameters(), LEARNING_RATE)
    train, validation = read("train"), read("validation")

    def logits(images: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            features = backbone(images.to(memory_format=torch.channels_last))
        return head(features)

    for _ in range(job.epochs):
        for images, labels in train:
            optimizer.zero_grad()
            nn.functional.cross_entropy(logits(images), labels).backward()
            optimizer.step()
        with torch.no_grad():
            correct = sum(int((logits(images).argmax(1) == labels).sum()) for images, labels in validation)
        epochs.add(correct / len(validation.dataset))
    return epochs


# Name -> (training, whose clock starts when its libraries are imported; libraries whose versions matter).
PEERS = {"Keras": (keras_fit, ("keras", "tensorflow")), "PyTorch": (pytorch_loop, ("torch", "torchvision", "pillow"))}


def main() -> None:
    """Prints one line of JSON: the versions and the epochs."""
    train, libraries = PEERS[sys.argv[1]]
    epochs = train(Job(**json.loads(sys.argv[2])))
    print(json.dumps({"versions": versions(libraries)} | asdict(epochs)))


if __name__ == "__main__":
    main()
