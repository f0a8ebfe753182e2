"""scripts/tpu/compile.py without its compiler: what is read off a program's text, and the arithmetic of the table."""

import argparse
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts/tpu"
PROGRAM = """
HloModule jit_steps, entry_computation_layout={(f32[64]{0:T(128)})->f32[64]{0:T(128)}}

%add (a: f32[], b: f32[]) -> f32[] {
  ROOT %sum = f32[]{:T(128)} add(%a, %b)
}

ENTRY %main (x: f32[64]) -> f32[64] {
  %all-reduce.1 = (f32[64]{0:T(128)S(1)}, f32[64]{0:T(128)}) all-reduce(%x, %y), channel_id=1, \
replica_groups=mesh['data'=4,'fsdp'=2] {'data','fsdp'}, to_apply=%add
  %all-reduce-start = bf16[3,5]{1,0:T(8,128)(2,1)} all-reduce-start(%z), replica_groups=[2,4]<=[8], to_apply=%add
  %all-reduce-done = bf16[3,5]{1,0} all-reduce-done(%all-reduce-start)
  %all-gather-start.2 = (f32[2,8]{1,0}, f32[16,8]{1,0}) all-gather-start(%w), replica_groups={{0,1},{2,3}}
  %reduce-scatter = f32[8]{0} reduce-scatter(%v), \
replica_groups=mesh['data'=8,'fsdp'=1] {'data':(2)4}
  %permute = (s8[7]{0}, s8[7]{0}, u32[]) collective-permute-start(%u), source_target_pairs={{0,1},{1,0}}
  %fusion = f32[64]{0} fusion(%x), kind=kLoop, calls=%all-reduce-scatter.fused
  %infeed.1 = ((f32[3]{0}), token[]) infeed(%token)
  %send.1 = (f32[3]{0}, u32[], token[]) send(%x, %token), channel_id=9, is_host_transfer=true
  %send-done.1 = token[] send-done(%send.1)
  %call = f32[3]{0} custom-call(%x), custom_call_target="xla_python_cpu_callback"
  ROOT %kernel = f32[64]{0} custom-call(%x), custom_call_target="tpu_custom_call"
}
"""


def test_collectives_are_read_off_a_program(script):
    hlo = script("hlo")
    assert hlo.collectives(PROGRAM) == [
        hlo.Collective("all-reduce", 2 * 64 * 4, 8),  # two arrays together, over both axes of the mesh
        hlo.Collective("all-reduce", 3 * 5 * 2, 4),
        hlo.Collective("all-gather", 16 * 8 * 4, 2),  # what comes out, not what goes in
        hlo.Collective("reduce-scatter", 4 * 8 * 4, 4),  # what goes in
        hlo.Collective("collective-permute", 7, 2),
    ]


def test_transfers_from_and_to_the_host_are_read_off_a_program(script):
    assert script("hlo").host_transfers(PROGRAM) == ["infeed", "send", "send-done", "xla_python_cpu_callback"]


def test_the_time_of_collectives(script):
    hlo, roofline = script("hlo"), script("roofline")
    pod, eight, cube = (roofline.Slice.named(name) for name in ("v5e:16x16", "v5e:2x4", "v5p:4x4x4"))
    # Rings of 16: 8 hops along each axis, there and back; 4 x 50 GB/s; an all-reduce passes the bytes twice.
    assert pod.seconds(hlo.Collective("all-reduce", 10**8, 256)) == pytest.approx(32e-6 + 2 * 1e8 / 200e9)
    assert pod.seconds(hlo.Collective("all-reduce", 10**8, 0)) == pytest.approx(32e-6 + 1e-3)
    assert pod.seconds(hlo.Collective("all-gather", 10**8, 16)) == pytest.approx(8e-6 + 1e8 / 100e9)  # one axis
    # No ring: 1 and 3 hops, 2 x 50 GB/s.
    assert eight.seconds(hlo.Collective("all-reduce", 256, 8)) == pytest.approx(8e-6 + 2 * 256 / 100e9)
    assert eight.seconds(hlo.Collective("collective-permute", 10**6, 2)) == pytest.approx(1e-6 + 1e6 / 50e9)
    # 2 hops along each of 3 axes, 6 x 100 GB/s; an all-to-all needs a quarter.
    assert cube.seconds(hlo.Collective("all-to-all", 6 * 10**8, 64)) == pytest.approx(6e-6 + 0.25e-3)
    assert roofline.Slice.named("v5e:1x1").seconds(hlo.Collective("all-reduce", 256, 0)) == 0


def test_a_row_of_the_table(script, tmp_path):
    compile_, compile_table, hlo = script("compile"), script("compile_table"), script("hlo")
    file = tmp_path / "results/compile.csv"
    found = [hlo.Collective("all-reduce", 10**6, 8)] * 2 + [hlo.Collective("all-gather", 10**6, 8)]
    program = compile_.Program("resnet50", statistics=32)
    row = {
        "date": "2026-11-28", "versions": "", **vars(program), "result": "compiled", "compile_seconds": 60,
        "argument_bytes": 10**9, "output_bytes": 10**9, "alias_bytes": 10**9, "temporary_bytes": 3 * 10**9,
        "flops": 1_970_000_000_000, "accessed_bytes": 16_380_000_000, "collectives": compile_.written(found),
        "host_transfers": "",
    }  # fmt: skip
    compile_.append_row(file, row)
    large = compile_.Program("vgg16_bn", recipe="imagenet with all mixing", precision="float32")
    compile_.append_row(file, {"versions": "", **vars(large), "result": "Used 20.00G of 15.75G hbm"})
    rows = compile_.read_rows(file)
    assert compile_.missing([program, large, compile_.Program("mlp")], rows) == [compile_.Program("mlp")]
    # 10 ms of operations, 20 ms of memory; links: 2 x (8 us + 2 MB / 100 GB/s) + 4 us + 1 MB / 100 GB/s = 70 us
    assert compile_table.cells(rows[0]) == (
        "resnet50, statistics of 32", "v5e:2x4, 1,024", "1", "1.00", "3.00", "25%", "1.97", "16.4", "2 (2.0 MB)",
        "all-gather 1 (1.0 MB)", "none", "51,200", "memory", "0.35%",
    )  # fmt: skip
    assert compile_table.limits(rows[0]).links == pytest.approx(70e-6)
    assert compile_table.table(rows)[3] == (
        "| vgg16_bn, imagenet with all mixing, float32 | v5e:2x4, 1,024 | 1 | Used 20.00G of 15.75G hbm "
        + 10 * "|  "
        + "|"
    )
    simulated = rows[0] | {"slice": compile_.SIMULATED, "host_transfers": "infeed"}
    assert compile_table.table([simulated]) == [  # what is empty in all rows is left out
        "| network, recipe | slice, batch | fsdp | TFLOP | all-reduce | other collectives | from or to the host |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        "| resnet50, statistics of 32 | cpu:8, 1,024 | 1 | 1.97 | 2 (2.0 MB) | all-gather 1 (1.0 MB) | infeed |",
    ]


def test_what_is_chosen(script):
    compile_ = script("compile")
    options = {
        "networks": None,
        "recipes": None,
        "slices": None,
        "fsdp": None,
        "batch": None,
        "statistics": 0,
        "precision": "float32",
    }
    assert [program.precision for program in compile_.chosen(argparse.Namespace(**options))] == ["float32"] * len(
        compile_.PROGRAMS
    )
    options |= {"networks": "mlp,resnet50", "slices": "v5p:4x4x4", "fsdp": "1,8"}
    assert [
        (program.network, program.batch, program.fsdp) for program in compile_.chosen(argparse.Namespace(**options))
    ] == [("mlp", 8192, 1), ("mlp", 8192, 8), ("resnet50", 8192, 1), ("resnet50", 8192, 8)]


def test_all_networks_and_recipes_are_there(script):
    compile_ = script("compile")
    assert {program.recipe for program in compile_.PROGRAMS} == compile_.RECIPES.keys()
    assert len(set(compile_.PROGRAMS)) == len(compile_.PROGRAMS)
    assert all(program.batch % compile_.Slice.named(program.slice).size == 0 for program in compile_.PROGRAMS)


STEPS = """
import sys
import compile
from hlo import collectives, host_transfers

compile.RECIPES["digits"] = compile.Recipe("quickstart", 1437, compile.MIXING)
for statistics in (0, 2):
    program = compile.Program("resnet20", "digits", compile.SIMULATED, 16, precision="float32", statistics=statistics)
    with compile.as_on_an_accelerator():
        text = compile.compile_lowered(compile.lower(program), program).as_text()
    print(statistics, compile.written(collectives(text)), *host_transfers(text))
"""


def test_the_step_of_a_config_on_simulated_devices(script, cache):
    """ResNet-20 has 19 BatchNorms, each with one all-reduce forward and one back, which parts of a device do without.

    What is left is one for the gradients and the running statistics, and for Mixup the last image and label of each
    device, which its neighbour needs: 16 x 16 float32, and 10 classes.
    """
    environment = os.environ | script("compile").QUIET | {"PYTHONPATH": str(SCRIPTS), "XDG_CACHE_HOME": str(cache)}
    done = subprocess.run([sys.executable, "-c", STEPS], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    whole, parts = (line.split() for line in done.stdout.splitlines())
    moved = ["collective-permute/2/40/1", "collective-permute/2/1024/1"]
    assert whole[-2:] == parts[-2:] == moved
    reduced = [[int(cell.split("/")[3]) for cell in line[1:-2]] for line in (whole, parts)]
    assert all(cell.startswith("all-reduce/8/") for cell in whole[1:-2] + parts[1:-2])
    assert [sum(counts) for counts in reduced] == [2 * 19 + 2, 2]
