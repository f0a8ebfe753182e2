"""All fields with their defaults. No other file has defaults.

The other configs call `get_config()` here and change what they need. So there is no field that is not in this file, and
a misspelt one is refused before anything starts. Any field can be given on the command line as
`--config.FIELD=VALUE`, for instance `--config.optimizer.learning_rate=3e-4` or `--config.data.split_ratio=7,2,1`.

Durations are set by suffix. Of `total_epochs`, `total_steps` and `total_examples` exactly one is not 0. The same holds
for `checkpoint_every_*`; of `schedule.warmup_*` at most one is not 0.
"""

from ml_collections import ConfigDict


def get_config() -> ConfigDict:
    config = ConfigDict()
    config.seed = 0                         # of initial weights, data order, augmentation and dropout
    config.learning = "from_scratch"        # from_scratch: all weights start at random and are trained
                                            # transfer_learning: the backbone has given weights and is not trained
                                            # fine_tuning: the backbone has given weights and is trained as well

    config.task = ConfigDict()              # what is learnt
    config.task.name = "softmax"            # softmax: one class of several
                                            # sigmoid: one class of two, by a single output
                                            # regression: a number; the labels are numbers
    config.task.positive = ""               # sigmoid: the class of precision and recall; "" is the second one
    config.task.loss = "squared"            # regression: squared | absolute | huber
    config.task.huber_delta = 1.0           # error from which huber is linear, in standard deviations of the numbers
    config.task.standardized = True         # regression: (number - mean) / deviation is learnt instead of the number

    config.data = ConfigDict()
    config.data.source = "digits"           # digits | digits:3,8 | FOLDER | FILE.csv | FILE.jsonl | tfds:NAME |
                                            # prepared TFDS folder;
                                            # for tables and texts: FILE.csv | sklearn:NAME |
                                            # toy:NAME | reviews:NAME
    config.data.input = "images"            # images | tables | texts: what an example is
    config.data.target = "target"           # tables and texts: the column of the labels
    config.data.columns = ""                # tables: columns to learn from, e.g. age,fare; "" takes all but target ...
    config.data.dropped = ""                # ... and but these
    config.data.numbers = ""                # tables: columns that have to be numbers
    config.data.categories = ""             # tables: columns that are categories, even if all their cells are numbers
    config.data.standardized = True         # tables: the network sees (number - mean) / deviation
    config.data.text = "text"               # texts: the column of the texts
    config.data.vocabulary = 10_000         # texts: the most words in the vocabulary
    config.data.length = 0                  # texts: how many words of a text are seen; 0: those of the longest text
    config.data.split_ratio = (8, 1, 1)     # train : validation : test, if the source has no splits
    config.data.split_seed = 0              # another seed draws another split
    config.data.per_class = 0               # the most examples of each class to train on; 0: all
    config.data.splits = ""                 # a splits.csv of an earlier run: its images stay in their split
    config.data.group_near_duplicates = False  # images that look alike stay in one split, see docs/data.md
    config.data.group_pattern = ""          # images stay in one split if this regular expression finds the same text in
                                            # their names, e.g. (patient\d+)
    config.data.tfds_splits = ("", "", "")  # TFDS split expressions for train, validation, test; "" chooses
    config.data.on_unreadable = "skip"      # skip (and list) | error: what to do with an image that does not decode
    config.data.max_megapixels = 89.0       # a larger image is refused unread (decompression bombs)
    config.data.cache_dir = ""              # the folder of prepared data; "" is ~/.cache/study_classification
    config.data.mode = "auto"               # auto | resident (decoded once, kept on the device) | streaming
    config.data.sampling = ""               # balanced: all classes come equally often in every epoch
    config.data.workers = 0                 # number of decoding threads; 0 is one for each core

    config.preprocess = ConfigDict()        # what happens to an image before the network sees it; saved with the run.
                                            # Given weights bring their own values of all but the sizes
    config.preprocess.image_size = 0        # side of the input of the network; 0: the size of the weights, or 64
    config.preprocess.resize_size = 0       # short side before the central crop; 0: that of the weights, or image_size
    config.preprocess.interpolation = "bilinear"  # bilinear | bicubic | nearest | box | lanczos
    config.preprocess.channels = 3          # 3: RGB, 1: grey
    config.preprocess.mean = (0.5, 0.5, 0.5)      # subtracted, on the scale 0..1; one for each channel, or one for all
    config.preprocess.std = (0.25, 0.25, 0.25)    # the divisor after that, likewise

    config.augment = ConfigDict()           # training images only, on the device, new in every epoch
    config.augment.random_resized_crop = False
    config.augment.crop_scale = (0.35, 1.0)       # share of the image's area that a crop covers
    config.augment.crop_ratio = (0.75, 4 / 3)     # width / height of a crop, drawn log-uniformly
    config.augment.canvas_size = 0          # side of the square from which crops are cut; 0 is 1.25 x image_size
    config.augment.random_crop = 0          # whole pixels: drawn from -random_crop..random_crop for each direction;
                                            # the image is mirrored at its edge
    config.augment.horizontal_flip = False
    config.augment.rotation = 0.0           # degrees: drawn from -rotation..rotation
    config.augment.shift = 0.0              # share of the side: drawn from -shift..shift, for each direction
    config.augment.shear = 0.0              # degrees: drawn from -shear..shear
    config.augment.zoom = 0.0               # drawn from 1-zoom..1+zoom, for each direction
    config.augment.policy = ""              # randaugment | autoaugment_imagenet | autoaugment_cifar10
    config.augment.randaugment = (2, 9)     # how many operations, their strength from 0 to 30
    config.augment.color_jitter = (0.0, 0.0, 0.0, 0.0)  # brightness, contrast, saturation: factors are drawn from
                                            # 1-x..1+x; hue: a turn from -x..x of the colour circle, x at most 0.5
    config.augment.random_erasing = 0.0     # probability: a box of 2 to 40 % of the image becomes noise
    config.augment.mixup = 0.0              # alpha, e.g. 0.2: images and labels of a batch are mixed in pairs
    config.augment.cutmix = 0.0             # alpha, e.g. 1.0: boxes are exchanged; with mixup, a batch gets one of both
    config.augment.progressive = ()         # shares of image_size, e.g. 0.5,0.75: images grow in so many equal stages,
                                            # and a last one at image_size; () is off

    config.model = ConfigDict()
    config.model.name = "original"          # see `study_classification/models/__init__.py` for the names
    config.model.weights = ""               # imagenet | FILE | run directory | name on the Hugging Face hub; without
                                            # any, transfer_learning and fine_tuning take imagenet
    config.model.origin = ""                # torchvision | timm | timm_tf | keras: decides padding, epsilon, ...;
                                            # "": the origin of the weights, or torchvision
    config.model.dropout = -1.0             # rate before the last layer; -1: the rate of the network's paper
    config.model.drop_path = -1.0           # stochastic depth: rate of the last block; it falls linearly towards the
                                            # first. -1: the rate of the paper, 0.2 for EfficientNet and 0 for others
    config.model.hidden = (128,)            # mlp and text_average: widths of hidden layers; () is a linear model
    config.model.activation = "relu"        # mlp and text_average: relu | tanh | sigmoid | gelu | linear
    config.model.batch_norm = False         # mlp and text_average: after the activation of each hidden layer
    config.model.embedding = 16             # texts: width of the vector of a word
    config.model.head = ConfigDict()        # what follows the backbone; by default the head of the network's paper
    config.model.head.pooling = ""          # average | max | flatten
    config.model.head.hidden = ()           # widths of hidden layers before the last one, e.g. 256,
    config.model.head.batch_norm = False    # after the ReLU of each hidden layer
    config.model.head.fitted = False        # with given weights: the last layer starts as scikit-learn's logistic
                                            # regression on the features, and not at random

    config.fine_tuning = ConfigDict()
    config.fine_tuning.frozen = ()          # regular expressions: parameters that stay untrained, e.g. backbone/conv1
    config.fine_tuning.head_epochs = 0.0    # a first phase that trains the head only, ...
    config.fine_tuning.head_learning_rate = 1e-3  # ... at this constant rate; the schedule begins after it
    config.fine_tuning.update_statistics = False  # whether BatchNorm learns new statistics or keeps the given ones
    config.fine_tuning.layer_decay = 1.0    # learning rate of a layer / rate of the next layer towards the head

    config.feature_cache = ConfigDict()     # transfer_learning: images pass the frozen backbone once, not every epoch
    config.feature_cache.views = 1          # stored views of an image: 1 plain, more augmented, 0 no cache

    config.batch_size = 32                  # of all devices together
    config.accumulate_steps = 1             # how many parts a batch passes in, one after the other, to save memory
    config.batch_norm_size = 0              # images over which BatchNorm takes statistics in training, e.g. 32, so that
                                            # devices need not wait for each other; 0 is the whole batch
    config.steps_per_dispatch = 1           # steps that a device takes at once; more helps if steps take less than a
                                            # millisecond, but a stop waits for all of them
    config.total_epochs = 20.0
    config.total_steps = 0
    config.total_examples = 0
    config.time_budget = ""                 # e.g. 90s, 10m, 2h: training ends when it is used up; "" is no limit
    config.label_smoothing = 0.0
    config.class_weights = ""               # balanced: the rarer its class, the more the loss of an example counts
    config.ema_decay = 0.0                  # decay of the average of weights that is evaluated, e.g. 0.999; 0 is off
    config.precision = "auto"               # auto | float32 | bfloat16: the type of computing; parameters are float32

    config.optimizer = ConfigDict()
    config.optimizer.name = "adam"          # adam | adamw | sgd | rmsprop | muon | schedule_free
    config.optimizer.learning_rate = 1e-3   # the peak of the schedule
    config.optimizer.weight_decay = 0.0     # decoupled (all but adam): kernels shrink by learning_rate x this
    config.optimizer.l2 = 0.0               # classical penalty l2/2 x sum(kernel^2), a part of the loss
    config.optimizer.l1 = 0.0               # classical penalty l1 x sum(|kernel|), a part of the loss
    config.optimizer.momentum = 0.9         # sgd, rmsprop and muon (its authors take 0.95)
    config.optimizer.nesterov = False       # sgd
    config.optimizer.b1 = 0.9               # adam, adamw and muon; for schedule_free of its average
    config.optimizer.b2 = 0.999             # adam, adamw, muon, schedule_free, and rmsprop (its decay)
    config.optimizer.eps = 1e-8             # all but sgd
    config.optimizer.gradient_clip = 0.0    # the largest global norm; 0 is off
    config.optimizer.sam_rho = 0.0          # sharpness-aware: the gradient is taken at this distance, e.g. 0.05; 0: off

    config.schedule = ConfigDict()          # of the learning rate
    config.schedule.name = "cosine"         # cosine | cosine_restarts | step | constant
    config.schedule.warmup_epochs = 0.0     # linear from 0
    config.schedule.warmup_steps = 0
    config.schedule.warmup_examples = 0
    config.schedule.final_fraction = 0.0    # cosine: rate at the end / learning_rate
    config.schedule.restarts = 3            # cosine_restarts: the number of equally long cycles
    config.schedule.step_at = (1 / 3, 2 / 3, 8 / 9)  # step: when, as shares of the run
    config.schedule.step_factor = 0.1       # step: the factor of the rate each time

    config.monitor = ""                     # what "best" means: val_loss, or a measure such as val_accuracy,
                                            # val_mse or val_mae; "" is the first measure of the task
    config.early_stopping = ConfigDict()    # stop when the monitored value no longer gets better
    config.early_stopping.patience = 0      # epochs without improvement; 0 is off
    config.early_stopping.min_delta = 0.0   # how much better counts as improvement
    config.convergence = ConfigDict()       # stop when the monitored value has become flat
    config.convergence.epochs = 0           # epochs that it has to stay within the tolerance; 0 is off
    config.convergence.tolerance = 1e-3     # largest - smallest value over these epochs

    config.checkpoint_every_epochs = 1.0    # besides one at each improvement and one at the end
    config.checkpoint_every_steps = 0
    config.checkpoint_every_examples = 0
    config.log_every_steps = 50             # how often losses are checked (NaN, progress)
    config.log = ConfigDict()               # other programs that show the run, see docs/compare.md
    config.log.tensorboard = False          # event files in tensorboard/ of the run directory; extra [tensorboard]
    config.log.wandb = False                # Weights & Biases, offline unless WANDB_MODE is set; extra [wandb]
    config.log.mlflow = False               # MLflow, in mlflow.db beside the run directory; extra [mlflow]
    config.fsdp = 1                         # devices over which each large parameter is split; 1 replicates
    return config
