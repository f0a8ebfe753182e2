"""ImageNet-1k with ResNet-50: the published 90-epoch recipe of Goyal et al. (arXiv:1706.02677), for a TPU pod or GPUs.

COMMAND   study-classification train --config=imagenet:data=gs://BUCKET/imagenet2012/5.1.0 --workdir=gs://BUCKET/RUN,
          on every host. data= is tfds:imagenet2012 (the default, prepared in TFDS_DATA_DIR), the directory that TFDS
          prepared, or a FOLDER with train/ and val/; also behind the colon: model=NAME, batch=N, epochs=N, runlocal
HARDWARE  batch 8,192: 256 images a chip on 32 TPU chips, or 1,024 a GPU on 8 GPUs of 80 GB in bfloat16
          1,268,355 images / 8,192 = 154.8 steps an epoch, 13,935 steps in all; docs/cloud.md works out the rest: data
          preparation, host memory, reads from a bucket
TIME      not measured, nor was it run on a TPU or GPU
RESULT    76.3 % top-1 on the validation set is what the paper reports (table 2c, up to 8,192); expected, not measured
          here. The 50,000 validation images are used as the test split, 1 % of the training images to monitor.
"""

from ml_collections import ConfigDict

from study_classification.config import parse_arguments
from study_classification.configs import default


def get_config(arguments: str = "") -> ConfigDict:
    given = parse_arguments(
        arguments, data="tfds:imagenet2012", model="resnet50", batch=8192, epochs=0.0, runlocal=False)
    config = default.get_config()
    config.data.source = given.data
    config.data.tfds_splits = ("train[:99%]", "train[99%:]", "validation")
    config.model.name = given.model
    config.preprocess.image_size = 224
    config.preprocess.resize_size = 256
    config.preprocess.mean = (0.485, 0.456, 0.406)
    config.preprocess.std = (0.229, 0.224, 0.225)
    config.augment.random_resized_crop = True
    config.augment.crop_scale = (0.08, 1.0)
    config.augment.canvas_size = 288
    config.augment.horizontal_flip = True
    config.batch_size = given.batch
    config.batch_norm_size = 32             # the paper's, of each worker; no device waits for another one's
    config.total_epochs = given.epochs or 90.0
    config.optimizer.name = "sgd"
    config.optimizer.learning_rate = 0.1 * given.batch / 256   # the linear scaling rule
    config.optimizer.nesterov = True
    config.optimizer.l2 = 1e-4
    config.schedule.name = "step"
    config.schedule.step_at = (30 / 90, 60 / 90, 80 / 90)
    config.schedule.warmup_epochs = 5.0
    if given.runlocal:
        config.preprocess.image_size = config.preprocess.resize_size = config.augment.canvas_size = 32
        config.batch_size = 8
        config.schedule.warmup_epochs = 0.0
        if not given.epochs:
            config.total_epochs, config.total_steps = 0.0, 4
    return config
