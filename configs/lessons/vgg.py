"""Lesson 9, second part. What is left to train when most of a large network is frozen?

COMMAND   study-classification --config=configs/lessons/vgg.py:data=FOLDER --workdir=runs/vgg
          study-classification summary --config=configs/lessons/vgg.py:data=FOLDER
          behind the colon: data=FOLDER of CIFAR-10 (else tfds:cifar10), weights=FILE, epochs=N, runlocal. Without
          `weights=` VGG-16's of ImageNet are fetched once, 553 MB: this lesson alone is not offline
HARDWARE  one GPU; on a CPU with --config.total_examples=2000 and --config.total_epochs=0 for a first impression
TIME      not known: the weights were not at hand
RESULT    7,213,834 of 14,849,098 parameters are trained (measured, tests/configs/lessons/test_vgg.py); the accuracy
          is not known

VGG-16 for the 32 x 32 pixels of CIFAR-10, blocks 1 to 4 frozen as ImageNet left them; block 5 and a head of 256 units
with BatchNorm and dropout 0.5 are trained. Counted by hand:
  block 5    3 convolutions 3 x 3 from 512 to 512 filters   3 x (9 x 512 x 512 + 512)  7,079,424
  hidden     512 values (1 x 1 x 512) to 256 units          512 x 256 + 256              131,328
  BatchNorm  a scale and a bias a unit                      2 x 256                          512
  last       256 units to 10 classes                        256 x 10 + 10                  2,570
                                                                                       7,213,834
"""

from ml_collections import ConfigDict

from study_classification.config import parse_arguments
from study_classification.configs import default


def get_config(arguments: str = "") -> ConfigDict:
    given = parse_arguments(arguments, data="", weights="", epochs=0.0, runlocal=False)
    config = default.get_config()
    config.data.source = given.data or "tfds:cifar10"
    config.data.split_ratio = (9, 1, 0)
    config.learning = "fine_tuning"
    config.model.name = "vgg16"
    config.model.weights = given.weights
    config.model.head.pooling = "flatten"
    config.model.head.hidden = (256,)
    config.model.head.batch_norm = True
    config.model.dropout = 0.5
    config.fine_tuning.frozen = ("backbone/block[1-4]_",)
    config.preprocess.image_size = config.preprocess.resize_size = 32
    config.augment.horizontal_flip = True
    config.batch_size = 128
    config.optimizer.name = "adam"
    config.optimizer.learning_rate = 1e-4
    config.total_epochs = given.epochs or (1.0 if given.runlocal else 10.0)
    return config
