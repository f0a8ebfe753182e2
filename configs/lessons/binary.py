"""Lesson 4. Do one output and two outputs learn the same?

COMMAND   study-classification --config=configs/lessons/binary.py --workdir=runs/binary
          study-classification tune --config=configs/lessons/binary.py --study=runs/binary_compared
          behind the colon also: data=FOLDER with two folders of photos, or data="digits:4,9"; epochs=N, runlocal
HARDWARE  any; 2 CPU cores are enough
TIME      9 s of processor time; 37 s for the 6 runs of the comparison; two folders of 60 photos 20 s (measured)
RESULT    validation loss 0.1525 with one output (sigmoid), 0.1524 with two (softmax), means of three seeds whose
          standard deviations are 0.0000 and 0.0002; 34 of 35 test images of 3 and 8 right (measured)

A sigmoid of one number z gives the same probabilities as a softmax of two numbers whose difference z1 - z0 is z. So
both networks can say the same. They also learn the same, if one minds two things. A step moves both outputs, so their
difference moves twice as far: the softmax has half the rate. And the two share the weights that one has alone, half of
them each with the other sign, and (w/2)^2 + (w/2)^2 is half of w^2: the softmax has twice the penalty. Then both go the
same way to the last digits, if they begin as the same function (tests/tasks/test_sigmoid.py); here they begin at random
and meet at the end, for the penalised loss has one lowest point.

Of photos, the network is that of configs/photos.py, by transfer learning, with one output.
"""

from ml_collections import ConfigDict

from study_classification.config import parse_arguments
from study_classification.configs import default, photos
from study_classification.studies.grid import Sweep

L2 = 0.1
RATE = 0.2


def get_config(arguments: str = "") -> ConfigDict:
    given = parse_arguments(arguments, data="digits:3,8", epochs=0.0, runlocal=False)
    if given.data.startswith("digits"):
        config = default.get_config()
        config.data.source = given.data
        config.preprocess.image_size = 8
        config.preprocess.channels = 1
        config.preprocess.mean = (0.305,)   # of the digits' pixels
        config.preprocess.std = (0.376,)
        config.model.name = "mlp"
        config.model.hidden = ()            # logistic regression: one weight a pixel
        config.batch_size = 300             # all images at once
        config.optimizer.name = "sgd"
        config.optimizer.learning_rate = RATE
        config.optimizer.momentum = 0.0
        config.optimizer.l2 = L2
        config.schedule.name = "constant"
        config.checkpoint_every_epochs = 50.0
        config.total_epochs = 300.0
    else:
        config = photos.get_config(f'data="{given.data}"')
    config.task.name = "sigmoid"
    config.monitor = "val_loss"
    config.total_epochs = given.epochs or (2.0 if given.runlocal else config.total_epochs)
    return config


def sweep() -> Sweep:
    # The two outputs of a softmax share what one output does alone: a step moves their difference twice as far, and a
    # penalty on their weights weighs half as much.
    softmax = {"task.name": "softmax", "optimizer.learning_rate": RATE / 2, "optimizer.l2": 2 * L2}
    return Sweep({"sigmoid": {}, "softmax": softmax}, seeds=(0, 1, 2))
