"""Names that other programs use, and what they are called here. Each - of a name is looked up as _.

`FIELDS` has the field of the config that a flag (`--lr`) or a field (`--config.lr`) means. `NO_FIELD` says why there is
no such field. `FLAGS` and the tables after it say what to do instead of the flag, where a field is not the answer. In
them, `{N}` stands for the value that was typed, and is printed as N if there was none.
"""

import re
from collections.abc import Collection

FIELDS = {
    "lr": "optimizer.learning_rate",
    "lr0": "optimizer.learning_rate",
    "base_lr": "optimizer.learning_rate",
    "max_lr": "optimizer.learning_rate",
    "wd": "optimizer.weight_decay",
    "opt": "optimizer.name",
    "optim": "optimizer.name",
    "optimizer": "optimizer.name",
    "optimizer.type": "optimizer.name",
    "beta1": "optimizer.b1",
    "beta2": "optimizer.b2",
    "clip": "optimizer.gradient_clip",
    "clip_grad": "optimizer.gradient_clip",
    "grad_clip": "optimizer.gradient_clip",
    "sched": "schedule.name",
    "scheduler": "schedule.name",
    "lr_scheduler": "schedule.name",
    "schedule": "schedule.name",
    "warmup": "schedule.warmup_epochs",
    "epoch": "total_epochs",
    "epochs": "total_epochs",
    "num_epochs": "total_epochs",
    "n_epochs": "total_epochs",
    "max_epochs": "total_epochs",
    "num_train_epochs": "total_epochs",
    "max_steps": "total_steps",
    "num_steps": "total_steps",
    "steps": "total_steps",
    "b": "batch_size",
    "bs": "batch_size",
    "batch": "batch_size",
    "train_batch_size": "batch_size",
    "per_device_train_batch_size": "batch_size",
    "gradient_accumulation_steps": "accumulate_steps",
    "j": "data.workers",
    "num_workers": "data.workers",
    "random_seed": "seed",
    "manual_seed": "seed",
    "data": "data.source",
    "dataset": "data.source",
    "data_dir": "data.source",
    "data_path": "data.source",
    "data_root": "data.source",
    "root": "data.source",
    "data.path": "data.source",
    "data.dir": "data.source",
    "data.name": "data.source",
    "data.folder": "data.source",
    "val_split": "data.split_ratio",
    "validation_split": "data.split_ratio",
    "m": "model.name",
    "model": "model.name",
    "arch": "model.name",
    "architecture": "model.name",
    "network": "model.name",
    "backbone": "model.name",
    "model_name": "model.name",
    "activation": "model.activation",
    "hidden_units": "model.hidden",
    "label": "data.target",
    "label_column": "data.target",
    "text_column": "data.text",
    "features": "data.columns",
    "vocab_size": "data.vocabulary",
    "max_features": "data.vocabulary",
    "max_len": "data.length",
    "embedding_dim": "model.embedding",
    "model.type": "model.name",
    "pretrained": "learning",
    "finetune": "learning",
    "fine_tune": "learning",
    "freeze": "fine_tuning.frozen",
    "drop": "model.dropout",
    "dropout_rate": "model.dropout",
    "img_size": "preprocess.image_size",
    "imgsz": "preprocess.image_size",
    "input_size": "preprocess.image_size",
    "resize": "preprocess.resize_size",
    "flip": "augment.horizontal_flip",
    "hflip": "augment.horizontal_flip",
    "aa": "augment.policy",
    "auto_augment": "augment.policy",
    "jitter": "augment.color_jitter",
    "cutout": "augment.random_erasing",
    "reprob": "augment.random_erasing",
    "smoothing": "label_smoothing",
    "ema": "ema_decay",
    "amp": "precision",
    "fp16": "precision",
    "bf16": "precision",
    "dtype": "precision",
    "mixed_precision": "precision",
    "early_stop": "early_stopping.patience",
    "max_time": "time_budget",
    "metric": "monitor",
}
NO_FIELD = {
    "num_classes": "the classes come from the data, one for each folder or label",
    "loss": "task.name decides it: softmax and sigmoid use the cross-entropy, and regression uses task.loss",
    "workdir": "it is a flag, --workdir=DIR",
    "device": "every device is used, and the environment variable JAX_PLATFORMS=cpu chooses",
}

_DEVICE = "every device is used; the environment variable JAX_PLATFORMS=cpu, or CUDA_VISIBLE_DEVICES=0, chooses"
_WORKDIR = "the run directory is --workdir={DIR}"
_RESUME = "the same command resumes a run, and so does train --workdir=RUN"
_RUN = "the run is --workdir=RUN, and --checkpoint=best, last or a step chooses one of its checkpoints"
_OF_THE_RUN = "the run in --workdir has its own, as it was trained"

# for all verbs
FLAGS = {
    **dict.fromkeys(("gpu", "gpus", "device", "devices", "cuda", "cpu", "no_cuda", "accelerator"), _DEVICE),
    **{name: NO_FIELD[name] for name in ("num_classes", "loss")},
    "version": "pip show study-classification tells it",
    "verbose": "everything is said, and the run's log.txt has it",
    "v": "everything is said, and the run's log.txt has it",
}
# for verbs that take --config
CONFIG_FLAGS = {
    **dict.fromkeys(
        ("epochs", "epoch", "num_epochs", "n_epochs", "max_epochs", "num_train_epochs"),
        "write epochs={N} behind the colon, as in --config=configs/photos.py:epochs={N}, or --config.total_epochs={N}",
    ),
    **dict.fromkeys(
        ("m", "model", "arch", "architecture", "network", "backbone", "model_name"),
        "write model={NAME} behind the colon, as in --config=configs/photos.py:model={NAME}, or "
        "--config.model.name={NAME}",
    ),
    **dict.fromkeys(
        ("data", "dataset", "data_dir", "data_path", "data_root", "source", "input", "train_dir"),
        "the source goes behind the colon: --config=configs/photos.py:data={FOLDER}",
    ),
    **dict.fromkeys(
        ("img_size", "imgsz", "image_size", "input_size"),
        "write size={PIXELS} behind the colon, as in --config=configs/photos.py:size={PIXELS}, or "
        "--config.preprocess.image_size={PIXELS}",
    ),
    **dict.fromkeys(
        ("weights", "pretrained_weights", "initial_checkpoint"),
        "write weights={FILE} behind the colon, as in --config=configs/photos.py:weights={FILE}",
    ),
    **dict.fromkeys(
        ("pretrained", "finetune", "fine_tune", "learning"),
        "write learning=transfer_learning or fine_tuning behind the colon, as in "
        "--config=configs/photos.py:learning=transfer_learning",
    ),
    **dict.fromkeys(("steps", "max_steps", "num_steps"), "set --config.total_steps={N}, and --config.total_epochs=0"),
    "runlocal": "write runlocal behind the colon, as in --config=configs/photos.py:runlocal",
    **dict.fromkeys(("output", "out", "o", "output_dir", "out_dir", "save_dir", "log_dir", "logdir"), _WORKDIR),
    **dict.fromkeys(("checkpoint_dir", "ckpt_dir", "ckpt", "run_dir", "model_dir", "project"), _WORKDIR),
    **dict.fromkeys(("resume", "resume_from", "continue", "resume_from_checkpoint"), _RESUME),
}
# for verbs that take --workdir and no --config
RUN_FLAGS = {
    **dict.fromkeys(("m", "model", "arch", "weights", "model_path", "model_dir", "checkpoint_dir", "ckpt"), _RUN),
    **dict.fromkeys(("load", "resume", "run", "run_dir", "model_name", "pretrained"), _RUN),
    **dict.fromkeys(
        ("config", "batch_size", "b", "batch", "img_size", "imgsz", "image_size", "seed", "lr", "epochs"), _OF_THE_RUN
    ),
}
_STDOUT = "the rows go to stdout, as in --format=csv > FILE"
_INPUTS = "pictures and folders stand without a flag: predict --workdir=RUN {PICTURE.jpg}"
_OUTPUTS = ("output", "out", "o", "output_dir", "out_dir", "save_dir", "save", "csv")
# for one verb
VERB_FLAGS = {
    "evaluate": {
        **dict.fromkeys(_OUTPUTS, "the result goes to report.json in --workdir"),
        **dict.fromkeys(("dataset", "data_dir", "data_path", "source", "input"), "the source is --data={FOLDER}"),
    },
    "predict": {
        **dict.fromkeys(_OUTPUTS, _STDOUT),
        **dict.fromkeys(("data", "data_dir", "source", "input", "image", "images", "file", "files", "path"), _INPUTS),
        **dict.fromkeys(("conf", "min_confidence"), "it is --threshold={0.5}"),
    },
    "check": dict.fromkeys(
        ("config", "data", "data_dir", "source", "input", "path", "workdir"),
        "the folder or manifest stands without a flag: check {FOLDER}",
    ),
    "compare": dict.fromkeys(
        ("config", "workdir", "runs", "run", "input"), "runs stand without a flag: compare {RUN} ..."
    ),
    "explain": dict.fromkeys(
        ("data", "data_dir", "source", "input", "image", "images", "file", "files", "path"),
        "pictures and folders stand without a flag: explain --workdir=RUN {PICTURE.jpg}",
    ),
    "tune": {
        **dict.fromkeys(("workdir", *_OUTPUTS), "the directory of the study is --study={DIR}"),
        **dict.fromkeys(("n_trials", "num_trials", "max_trials"), "it is --trials={20}"),
    },
}


def field_of(name: str) -> str:
    """The field that a flag or field of another program means, by its whole name or its last part; '' if unknown."""
    name = name.replace("-", "_").lower()
    return FIELDS.get(name) or FIELDS.get(name.rpartition(".")[2], "")


def why_no_field(name: str) -> str:
    """Why the config has no such field; '' if unknown."""
    return NO_FIELD.get(name.replace("-", "_").lower().rpartition(".")[2], "")


def guide(verb: str, known: Collection[str], name: str, value: str | None) -> str:
    """What to do instead of a flag that the verb does not have; '' if unknown.

    Args:
        verb: its name.
        known: the names of the flags that it has.
        name: of the flag that it does not have.
        value: what was given with that, if anything.
    """
    name = name.replace("-", "_").lower()
    shared = CONFIG_FLAGS if "config" in known else RUN_FLAGS if "workdir" in known else {}
    for table in (VERB_FLAGS.get(verb, {}), shared, FLAGS):
        if name in table:
            return re.sub(r"\{(.+?)\}", lambda match: value or match[1], table[name])
    if "config" in known and (field := field_of(name)):
        return f"set --config.{field}={value or 'VALUE'}"
    return ""
