"""Times the convolutions of the networks on a CPU: by each method, by the chosen one, by PyTorch.

    python scripts/benchmarks/convolution.py --peer_python=.venv-benchmarks/bin/python

README.md says what is measured and how. All figures go to a CSV file. The printed table begins with the ratios.
"""

import argparse
import csv
import json
import os
import platform
import time
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path

import jax
import numpy as np
import psutil
from input_pipeline import HERE, cpu_name
from peers import Peer

from study_classification.models.layers.convolution import (
    forward,
    input_gradient,
    is_depthwise,
    kernel_gradient,
    methods,
    xla_convolution,
)

SHAPES = {  # batch, size, channels, filters, kernel, stride, padding, groups
    "original conv1, 128 px": (32, 128, 3, 16, 3, 1, 0, 1),
    "original conv2": (32, 63, 16, 32, 3, 1, 0, 1),
    "original conv3": (32, 30, 32, 64, 3, 1, 0, 1),
    "MobileNetV2 stem, 128 px": (32, 128, 3, 32, 3, 2, 1, 1),
    "ResNet-18 stem, 64 px": (32, 64, 3, 64, 7, 2, 3, 1),
    "ResNet-20 layer1": (32, 32, 16, 16, 3, 1, 1, 1),
    "ResNet-20 layer2 first": (32, 32, 16, 32, 3, 2, 1, 1),
    "ResNet-18 layer1": (32, 16, 64, 64, 3, 1, 1, 1),
    "ResNet-18 layer2 first": (32, 16, 64, 128, 3, 2, 1, 1),
    "ResNet-18 layer4": (32, 2, 512, 512, 3, 1, 1, 1),
    "MobileNetV2 stage2 expand": (32, 64, 16, 96, 1, 1, 0, 1),
    "MobileNetV2 stage2 project": (32, 32, 144, 24, 1, 1, 0, 1),
    "MobileNetV2 top": (32, 4, 320, 1280, 1, 1, 0, 1),
    "ResNet-18 downsample": (32, 16, 64, 128, 1, 2, 0, 1),
    "MobileNetV2 stage1 depthwise": (32, 64, 32, 32, 3, 1, 1, 32),
    "MobileNetV2 stage2 depthwise first": (32, 64, 96, 96, 3, 2, 1, 96),
    "MobileNetV2 stage7 depthwise": (32, 4, 960, 960, 3, 1, 1, 960),
    "EfficientNet-B0 stage3 depthwise first": (32, 32, 144, 144, 5, 2, 2, 144),
    "EfficientNet-B0 stage5 depthwise": (32, 8, 672, 672, 5, 1, 2, 672),
}


def candidates(shape: tuple[int, ...]) -> dict[tuple[str, str], Callable[[], None]]:
    """(part, method) -> a function that computes it and waits for the result; compiled already."""
    batch, size, channels, filters, window, stride, padding, groups = shape
    geometry = {"stride": stride, "padding": ((padding, padding), (padding, padding)), "groups": groups}
    random = np.random.default_rng(0)

    def normal(*shape: int) -> jax.Array:
        return jax.device_put(random.standard_normal(shape, np.float32))

    x, kernel = normal(batch, size, size, channels), normal(window, window, channels // groups, filters)
    dy = normal(*jax.eval_shape(partial(xla_convolution, **geometry), x, kernel).shape)
    xla = {
        "forward": lambda x, kernel, dy: xla_convolution(x, kernel, **geometry),
        "input gradient": lambda x, kernel, dy: jax.vjp(lambda x: xla_convolution(x, kernel, **geometry), x)[1](dy)[0],
        "kernel gradient": lambda x, kernel, dy: jax.vjp(lambda k: xla_convolution(x, k, **geometry), kernel)[1](dy)[0],
    }
    own = {
        "forward": lambda method, x, kernel, dy: forward(method, x, kernel, **geometry),
        "input gradient": partial(input_gradient, **geometry),
        "kernel gradient": partial(kernel_gradient, **geometry),
    }
    functions = {(part, "xla"): function for part, function in xla.items()}
    for method in ("shifted",) if window == 1 or is_depthwise(kernel.shape, groups) else ("shifted", "patches"):
        functions |= {(part, method): partial(function, method) for part, function in own.items()}

    def ready(function: Callable[..., jax.Array]) -> Callable[[], None]:
        compiled = jax.jit(function).lower(x, kernel, dy).compile()
        return lambda: compiled(x, kernel, dy).block_until_ready()

    return {key: ready(function) for key, function in functions.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer_python", default=".venv-benchmarks/bin/python", help="has PyTorch")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--out", type=Path, default=HERE / "results/convolution.csv")
    options = parser.parse_args()
    jax.config.update("jax_platforms", "cpu")

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    machine = f"{cpu_name()}, {cores} cores, load {psutil.getloadavg()[0]:.1f} at the start"
    peer = Peer([options.peer_python, str(HERE / "convolution_peer.py"), str(cores)])
    versions = f"Python {platform.python_version()}, jax {jax.__version__}; {peer.about}"
    rows, table = [], []
    for name, shape in SHAPES.items():
        functions = candidates(shape)
        best: dict[tuple[str, str], float] = {}

        def note(key: tuple[str, str], milliseconds: float, best: dict[tuple[str, str], float] = best) -> None:
            best[key] = min(best.get(key, np.inf), milliseconds)

        for _ in range(options.rounds):
            for key, function in functions.items():
                function()
                start = time.perf_counter()
                function()
                note(key, (time.perf_counter() - start) * 1e3)
            for part, milliseconds in peer.ask(json.dumps(shape)).items():
                note((part, "PyTorch"), milliseconds)
        batch, size, channels, filters, window, stride, padding, groups = shape
        chosen = methods(
            (batch, size, size, channels),
            (window, window, channels // groups, filters),
            stride,
            2 * ((padding,) * 2,),
            groups,
        )
        for part, method in zip(("forward", "input gradient", "kernel gradient"), chosen, strict=True):
            if part == "input gradient" and channels == 3:
                continue  # nobody asks for the gradient by the images
            times = {it: value for (of, it), value in best.items() if of == part}
            for it, value in times.items():
                common = [date.today().isoformat(), machine, versions, name, *shape, part, it, int(it == method)]
                rows.append([*common, f"{value:.4g}", f"{times['PyTorch'] / value:.3g}"])
            listed = "  ".join(f"{it} {value:.2f}" for it, value in sorted(times.items(), key=lambda item: item[1]))
            table.append(f"{times['PyTorch'] / times[method]:6.2f}  {name:38} {part:16} {method:8}  {listed}")
    peer.close()

    print("PyTorch's time over that of the chosen method; all times in ms, the fastest first", *table, sep="\n")
    print(f"\n{machine}; {versions}")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    with open(options.out, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        header = (
            "date machine versions layer batch size channels filters kernel stride padding groups part method chosen"
        )
        writer.writerow([*header.split(), "milliseconds", "pytorch_over_this"])
        writer.writerows(rows)


if __name__ == "__main__":
    main()
