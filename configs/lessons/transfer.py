"""Lesson 9. When is it better to begin with what another network has learnt, and how much of it should be trained on?

COMMAND   study-classification tune --config=configs/lessons/transfer.py --study=runs/transfer
          behind the colon: data=FOLDER of photos, a folder a class (else scikit-learn's digits, offline), size=PIXELS,
          steps=N, epochs=N, runlocal
HARDWARE  2 CPU cores
TIME      5 min 30 s of processor time for the 12 runs on digits, 12 min on photos at size=96 (measured)
RESULT    validation accuracy, one seed, 199 images, so that a difference below 0.03 means little (measured):
                            digits, images a class      photos of cats, dogs and horses, size=96
                            10      50      200         10      50      200
            features        0.834   0.854   0.925       0.809   0.895   0.915
            partly frozen   0.900   0.900   0.894       0.794   0.874   0.900
            discriminative  0.900   0.925   0.955       0.804   0.900   0.915
            from scratch    0.819   0.910   0.940       0.402   0.407   0.412

along.png of the study has the curves. ImageNet has no digits of 8 x 8 pixels, so its features alone are worth little
there: a small network from scratch overtakes them at 50 images a class, and comes near to the best at 200, of which the
digits have 160. With 10 a class, what ImageNet has taught wins, if it may be trained on. ImageNet has many cats and
dogs, so of the photos its features are enough, and nothing is gained by training them on; from scratch, 80 steps teach
nothing (always saying dog is right for 0.407 of them). So images like those of the weights ask for features, and unlike
ones for fine-tuning. A network from scratch never wins here; on digits it loses the less, the more images there are.

Four ways, each with 10, 50 and 200 training images a class (as many as there are), validated by the same images:
  features         EfficientNet-Lite0 as ImageNet left it, and a new last layer (feature extraction)
  partly frozen    of the backbone, stage 6 and what follows it are trained as well
  discriminative   all of it is trained, each layer at 0.8 of the rate of the next one
  from scratch     the study group's small network, with random weights
"""

from ml_collections import ConfigDict

from study_classification.config import parse_arguments
from study_classification.configs import default
from study_classification.studies.grid import Sweep, along


def get_config(arguments: str = "") -> ConfigDict:
    given = parse_arguments(arguments, data="digits", size=64, steps=80, epochs=0.0, runlocal=False)
    config = default.get_config()
    config.data.source = given.data
    config.data.split_ratio = (8, 1, 0)     # the study compares; nothing is kept for a test
    config.learning = "fine_tuning"
    config.model.name = "efficientnet_lite0"
    config.model.dropout = 0.2
    config.preprocess.image_size = given.size
    config.preprocess.resize_size = given.size
    config.batch_size = 32
    config.optimizer.name = "adamw"
    config.optimizer.learning_rate = 1e-3
    config.schedule.warmup_steps = 5
    config.monitor = "val_accuracy"
    config.total_epochs, config.total_steps = 0.0, given.steps  # the same work for all, however few images there are
    if given.runlocal or given.epochs:
        config.total_epochs, config.total_steps = given.epochs or 1.0, 0
    if given.runlocal:
        config.preprocess.image_size = config.preprocess.resize_size = 32
    return config


def sweep() -> Sweep:
    return along(
        "data.per_class",
        (10, 50, 200),
        {
            "features": {
                "learning": "transfer_learning", "model.head.fitted": True, "optimizer.learning_rate": 1e-4},
            "partly frozen": {"fine_tuning.frozen": ("backbone/(stem|stage[1-5])",)},
            "discriminative": {"fine_tuning.layer_decay": 0.8},
            "from scratch": {"learning": "from_scratch", "model.name": "original"},
        },
        seeds=(0,),
    )
