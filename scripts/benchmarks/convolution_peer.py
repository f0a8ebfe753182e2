"""Times PyTorch's convolutions for convolution.py, in channels_last: reads shapes, answers each with milliseconds.

Runs in the environment of the peers.
"""

import json
import os
import platform
import sys
import time

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # or its waiting threads would take the cores from the others

import torch

PARTS = {"forward": None, "input gradient": [True, False, False], "kernel gradient": [False, True, False]}


def timed(shape: list[int]) -> dict[str, float]:
    """Milliseconds of each part, once, after an untimed pass."""
    batch, size, channels, filters, kernel, stride, padding, groups = shape
    x = torch.randn(batch, channels, size, size).to(memory_format=torch.channels_last)
    weights = torch.randn(filters, channels // groups, kernel, kernel).to(memory_format=torch.channels_last)
    dy = torch.randn_like(torch.conv2d(x, weights, None, stride, padding, 1, groups))
    geometry = [stride, stride], [padding, padding], [1, 1], False, [0, 0], groups
    milliseconds = {}
    for part, wanted in PARTS.items():
        for _ in range(2):
            start = time.perf_counter()
            if wanted is None:
                torch.conv2d(x, weights, None, stride, padding, 1, groups)
            else:
                torch.ops.aten.convolution_backward(dy, x, weights, None, *geometry, wanted)
            milliseconds[part] = (time.perf_counter() - start) * 1e3
    return milliseconds


def main() -> None:
    torch.set_num_threads(int(sys.argv[1]))
    print(json.dumps(f"Python {platform.python_version()}, torch {torch.__version__}"), flush=True)
    with torch.inference_mode():
        for line in sys.stdin:
            print(json.dumps(timed(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
