"""Compiles the project's training step for TPU slices that are described only, and says what the programs need.

    .venv-tpu/bin/python scripts/tpu/compile.py                        # what is missing of PROGRAMS; then the table
    .venv-tpu/bin/python scripts/tpu/compile.py --networks=resnet50 --slices=v5e:4x4 --fsdp=1,16
    .venv-tpu/bin/python scripts/tpu/compile.py --slices=cpu:8          # simulated devices: the collectives, quickly
    .venv-tpu/bin/python scripts/tpu/compile.py --table                # the table alone

No TPU is needed, and none is touched: the compiler is that of the package libtpu, and JAX itself runs on the CPU.
README.md says how to make the environment, and what the columns mean. A row is written as soon as a program is
compiled; what is in the file is not compiled again.
"""

import argparse
import csv
import itertools
import os
import re
import sys
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import date
from importlib.metadata import version
from pathlib import Path
from unittest.mock import patch

from compile_table import table
from hlo import Collective, collectives, host_transfers
from roofline import Slice

QUIET = {  # whatever the values are, libtpu then asks no metadata server which TPU it is on
    "TPU_ACCELERATOR_TYPE": "v5e-8",
    "TPU_WORKER_HOSTNAMES": "localhost",
    "ALLOW_MULTIPLE_LIBTPU_LOAD": "1",  # its lock guards a device, and none is opened
    "JAX_PLATFORMS": "cpu",
    "JAX_ENABLE_COMPILATION_CACHE": "false",
    "XLA_FLAGS": "--xla_force_host_platform_device_count=8",  # those of the slice cpu:8
}
SIMULATED = "cpu:8"
MEGACORE = {"chip_config_name": "megacore"}  # one device a chip, as JAX has it on chips with two cores
IMAGENET_IMAGES, CIFAR10_IMAGES = 1_268_355, 45_000  # trained on; they decide the schedule alone


@dataclass(frozen=True)
class Recipe:
    """A config of the project, how many images it trains on, and what is set besides."""

    config: str
    images: int
    fields: tuple[tuple[str, object], ...] = ()


MIXING = (
    ("augment.policy", "randaugment"),
    ("augment.mixup", 0.2),
    ("augment.cutmix", 1.0),
    ("augment.random_erasing", 0.25),
)
RECIPES = {
    "imagenet": Recipe("imagenet", IMAGENET_IMAGES),
    "imagenet with all mixing": Recipe("imagenet", IMAGENET_IMAGES, MIXING),
    "cifar10": Recipe("cifar10", CIFAR10_IMAGES),
    "cifar10_fast": Recipe("cifar10_fast", CIFAR10_IMAGES),
}


@dataclass(frozen=True)
class Program:
    """One training step.

    Attributes:
        network: as `model.name`.
        recipe: of RECIPES.
        slice: as the compiler names it, such as v5e:2x4; or SIMULATED.
        batch: images on all chips together.
        fsdp: chips over which each large parameter is split.
        precision: float32 or bfloat16.
        statistics: as `batch_norm_size`: images over which BatchNorm takes its statistics; 0 is the whole batch.
    """

    network: str
    recipe: str = "imagenet"
    slice: str = "v5e:2x4"
    batch: int = 1024
    fsdp: int = 1
    precision: str = "bfloat16"
    statistics: int = 0


PROGRAMS = (  # the most telling first
    Program("resnet50"),
    Program("resnet50", slice="v5e:16x16", batch=8192, statistics=32),
    Program("resnet50", slice="v5e:16x16", batch=8192),
    Program("original", recipe="imagenet with all mixing"),
    Program("airbench", recipe="cifar10_fast", batch=2000),
    Program("resnet50", slice="v5e:16x16", batch=8192, fsdp=16),
    Program("efficientnet_b0"),
    Program("resnet50", fsdp=8),
    Program("resnet50", slice="v5p:4x4x4", batch=8192),
    Program("resnet20", recipe="cifar10"),
    Program("vgg16_bn"),
    Program("mobilenet_v2"),
    Program("efficientnet_lite0"),
    Program("squeezenet1_1"),
    Program("alexnet"),
    Program("mlp"),
    Program("resnet50", recipe="imagenet with all mixing"),
    Program("vgg16_bn", fsdp=8),
    Program("original", recipe="imagenet with all mixing", fsdp=8),
    Program("efficientnet_b0", fsdp=8),
    Program("resnet50", slice="v4:2x2x2"),
    Program("airbench", recipe="cifar10_fast", batch=2000, fsdp=8),
    Program("efficientnet_b0", slice="v5e:16x16", batch=8192),
)


def described_devices(name: str) -> list:
    """The devices of a slice, none of which is there; or those that JAX makes of the CPU."""
    import jax
    from jax.experimental import topologies

    if name == SIMULATED:
        return jax.devices()
    options = MEGACORE if Slice.named(name).chip.cores > 1 else {}
    return topologies.get_topology_desc(name, "tpu", **options).devices


def lower(program: Program):
    """The project's training step with the program's config, on a mesh of described devices, not yet compiled."""
    from study_classification import get_config
    from study_classification.data.order import TrainingOrder
    from study_classification.models.initial import variable_shapes
    from study_classification.system.devices import make_mesh
    from study_classification.training.feed import Feed
    from study_classification.training.phases import plan_phases
    from study_classification.training.programs import build_programs
    from study_classification.training.setup import resolve_config

    recipe = RECIPES[program.recipe]
    config = get_config(recipe.config)
    config.update_from_flattened_dict(
        {
            "model.name": program.network,
            "batch_size": program.batch,
            "precision": program.precision,
            "batch_norm_size": program.statistics,
            **dict(recipe.fields),
        }
    )
    mesh = make_mesh(program.fsdp, described_devices(program.slice))
    experiment = replace(resolve_config(config), mesh=mesh)
    order = TrainingOrder(recipe.images, program.batch, config.seed)
    feed = Feed(experiment, None, program.batch, order, experiment.task, views=0)  # no image is read
    phases = plan_phases(experiment.config, recipe.images, program.batch, len(experiment.augmentation.stages()))
    programs = build_programs(experiment, feed, phases, variable_shapes(experiment.model, experiment.preprocess.shape))
    return programs.step(phases.at(phases.total_steps)).lower(programs.abstract_state, feed.batch_shapes())


def compile_lowered(lowered, program: Program):
    """The executable; for simulated devices without optimizing what no one runs."""
    return lowered.compile({"xla_backend_optimization_level": 0} if program.slice == SIMULATED else None)


def as_on_an_accelerator():
    """Within the context programs take what they would take on a TPU, also where they are lowered for a CPU."""
    return patch("jax.lax.platform_dependent", lambda *arguments, default, tpu=None, **_: (tpu or default)(*arguments))


def measure(program: Program) -> dict[str, object]:
    """Compiles a program; its row. What does not fit into the memory of a chip is a row with what the compiler says."""
    import jax

    with as_on_an_accelerator():
        lowered = lower(program)
    begun = time.monotonic()
    row = {"date": date.today().isoformat(), "versions": versions(), **asdict(program)}
    try:
        compiled = compile_lowered(lowered, program)
    except jax.errors.JaxRuntimeError as error:
        if "RESOURCE_EXHAUSTED" not in str(error):
            raise
        return row | {"result": said_of_memory(str(error)), "compile_seconds": round(time.monotonic() - begun)}
    text, memory, cost = compiled.as_text(), compiled.memory_analysis(), compiled.cost_analysis()
    return row | {
        "result": "compiled",
        "compile_seconds": round(time.monotonic() - begun),
        "argument_bytes": memory.argument_size_in_bytes,
        "output_bytes": memory.output_size_in_bytes,
        "alias_bytes": memory.alias_size_in_bytes,
        "temporary_bytes": memory.temp_size_in_bytes,
        "flops": round(cost["flops"]),
        "accessed_bytes": round(cost["bytes accessed"]),
        "collectives": written(collectives(text)),
        "host_transfers": " ".join(host_transfers(text)),
    }


def versions() -> str:
    """Of what decides how a program is compiled."""
    libraries = ("jax", "jaxlib", "libtpu")
    return ", ".join([f"python {sys.version.split()[0]}", *(f"{name} {version(name)}" for name in libraries)])


def said_of_memory(message: str) -> str:
    """The part of the compiler's error that has the numbers."""
    used = re.search(r"Used \S+ of \S+ hbm", message)
    return used[0] if used else message.splitlines()[0]


def written(found: Iterable[Collective]) -> str:
    """Collectives in one cell: `kind/group/bytes/how many`, with spaces between."""
    return " ".join(f"{one.kind}/{one.group}/{one.bytes}/{count}" for one, count in sorted(Counter(found).items()))


COLUMNS = (
    "date", "versions", *Program.__dataclass_fields__, "result", "compile_seconds", "argument_bytes", "output_bytes",
    "alias_bytes", "temporary_bytes", "flops", "accessed_bytes", "collectives", "host_transfers",
)  # fmt: skip


def read_rows(file: Path) -> list[dict[str, str]]:
    """The rows that are there."""
    if not file.exists():
        return []
    with open(file, newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def append_row(file: Path, row: dict[str, object]) -> None:
    """A further row."""
    new = not file.exists()
    file.parent.mkdir(parents=True, exist_ok=True)
    with open(file, "a", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerow(row)


def missing(programs: Iterable[Program], rows: list[dict[str, str]]) -> list[Program]:
    """Those of which there is no row."""
    there = [{name: row[name] for name in Program.__dataclass_fields__} for row in rows]
    return [each for each in programs if {name: str(value) for name, value in asdict(each).items()} not in there]


def chosen(options: argparse.Namespace) -> list[Program]:
    """PROGRAMS, or, where something is chosen, all that the options name with each other."""
    if not any((options.networks, options.recipes, options.slices, options.fsdp, options.batch, options.statistics)):
        return [replace(program, precision=options.precision) for program in PROGRAMS]
    lists = (
        (text or default).split(",")
        for text, default in (
            (options.networks, "resnet50"),
            (options.recipes, "imagenet"),
            (options.slices, "v5e:2x4"),
            (options.fsdp, "1"),
        )
    )
    return [
        Program(
            network,
            recipe,
            name,
            options.batch or 128 * size_of(name),
            int(fsdp),
            options.precision,
            options.statistics,
        )
        for network, recipe, name, fsdp in itertools.product(*lists)
    ]


def size_of(name: str) -> int:
    """How many devices a slice has."""
    return 8 if name == SIMULATED else Slice.named(name).size


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", help="NAME,...; default of this and the next three: what PROGRAMS has")
    parser.add_argument("--recipes", help=f"of {', '.join(RECIPES)}")
    parser.add_argument("--slices", help="v4:2x2x2,v5e:16x16,v5p:4x4x4,cpu:8 ...")
    parser.add_argument("--fsdp", help="1 is data parallel: 1,8 is both")
    parser.add_argument("--statistics", type=int, default=0, help="batch_norm_size; default: %(default)s, all images")
    parser.add_argument("--batch", type=int, help="images on all chips together; default: 128 a chip")
    parser.add_argument("--precision", default="bfloat16", choices=["bfloat16", "float32"])
    parser.add_argument("--table", action="store_true", help="compile nothing")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results/compile.csv")
    options = parser.parse_args()
    os.environ.update(QUIET)
    for program in [] if options.table else missing(chosen(options), read_rows(options.out)):
        print(f"compiling {program}", file=sys.stderr, flush=True)
        append_row(options.out, measure(program))
    print("\n".join(table(read_rows(options.out))))


if __name__ == "__main__":
    main()
