"""CIFAR-10 from a folder (`train/CLASS/*`, `test/CLASS/*`) or from TFDS, with the CIFAR ResNet-20 of He et al.

COMMAND   python -m study_classification.main --config=configs/cifar10.py:data=FOLDER --workdir=runs/cifar10
          without data=FOLDER it is tfds:cifar10, which TFDS downloads once; also: model=NAME, epochs=N, runlocal
HARDWARE  one GPU; on 2 CPU cores with epochs=3 for a first impression
TIME      one epoch: 12 min on 2 CPU cores with other work beside (measured); on a GPU not measured
RESULT    43.3 % of the 10,000 test images after epochs=1 (measured); 91.25 % after all 164 is what He et al.
          (arXiv:1512.03385, table 6) report for ResNet-20 (expected, not measured here)
"""

from ml_collections import ConfigDict

from study_classification.config import parse_arguments
from study_classification.configs import default


def get_config(arguments: str = "") -> ConfigDict:
    given = parse_arguments(arguments, data="tfds:cifar10", model="resnet20", epochs=0.0, runlocal=False)
    config = default.get_config()
    config.data.source = given.data
    config.data.split_ratio = (9, 1, 0)
    config.model.name = given.model
    config.preprocess.image_size = 32
    config.preprocess.mean = (0.4914, 0.4822, 0.4465)
    config.preprocess.std = (0.2470, 0.2435, 0.2616)
    config.augment.shift = 0.125            # 4 pixels, as in the paper; the border is repeated instead of black
    config.augment.horizontal_flip = True
    config.batch_size = 128
    config.total_epochs = given.epochs or 164.0
    config.optimizer.name = "sgd"
    config.optimizer.learning_rate = 0.1
    config.optimizer.l2 = 1e-4
    config.schedule.name = "step"
    config.schedule.step_at = (0.5, 0.75)
    config.schedule.warmup_steps = 400      # the paper's warm-up, which only its deepest network needed
    if given.runlocal:
        config.schedule.warmup_steps = 2
        config.batch_size = 16
        if not given.epochs:
            config.total_epochs, config.total_steps = 0.0, 20
    return config
