import warnings

import jax
import jax.numpy as jnp
import pytest

from study_classification.errors import ConfigError
from study_classification.system import devices


def test_an_idle_gpu_is_said_loudly(monkeypatch, capsys):
    monkeypatch.delenv("JAX_PLATFORMS", raising=False)
    monkeypatch.setattr(devices.shutil, "which", lambda name: "/usr/bin/nvidia-smi")
    devices.warn_of_idle_accelerator()
    assert "WARNING: this machine has an NVIDIA GPU, but this jax runs on the CPU" in capsys.readouterr().out
    monkeypatch.setattr(devices.shutil, "which", lambda name: None)
    devices.warn_of_idle_accelerator()
    assert not capsys.readouterr().out
    monkeypatch.setattr(devices.shutil, "which", lambda name: "/usr/bin/nvidia-smi")
    monkeypatch.setenv("JAX_PLATFORMS", "cpu")  # whoever says so wants it
    devices.warn_of_idle_accelerator()
    assert not capsys.readouterr().out


def test_a_damaged_program_is_removed_and_said(tmp_path, capsys):
    for name in ("jit_step-12-cache", "jit_steps-12-cache"):
        (tmp_path / name).touch()
    with warnings.catch_warnings(record=True) as others:
        warnings.simplefilter("always")
        devices._remove_damaged_programs(tmp_path)
        warnings.warn(
            "Error reading persistent compilation cache entry for 'jit_step': ValueError: short", stacklevel=1
        )
        warnings.warn("another", stacklevel=1)
    assert [file.name for file in tmp_path.iterdir()] == ["jit_steps-12-cache"]
    assert capsys.readouterr().out == f"{tmp_path} has a damaged program (jit_step): it is compiled again\n"
    assert [str(other.message) for other in others] == ["another"]


def test_the_precision_of_a_cpu():
    assert devices.compute_dtype("auto") == jnp.float32
    assert devices.compute_dtype("bfloat16") == jnp.bfloat16


def test_the_mesh_has_both_axes():
    mesh = devices.make_mesh(1)
    assert dict(mesh.shape) == {"data": jax.device_count(), "fsdp": 1}
    with pytest.raises(ConfigError, match="does not divide the 1 devices"):
        devices.make_mesh(3)


def test_eight_devices_by_fours(monkeypatch):
    monkeypatch.setattr(devices.jax, "devices", lambda: list(range(8)))
    monkeypatch.setattr(devices.jax, "make_mesh", lambda shape, names, **_: dict(zip(names, shape, strict=True)))
    assert devices.make_mesh(4) == {"data": 2, "fsdp": 4}
    with pytest.raises(ConfigError, match="fsdp is 3, which does not divide the 8 devices"):
        devices.make_mesh(3)


@pytest.mark.parametrize(
    ("shape", "spec"),
    [
        ((256, 256), ("fsdp",)),  # 2**16 values, the smallest array that is split
        ((255, 256), ()),
        ((2, 2**16), (None, "fsdp")),  # along the largest dimension
        ((2**16 + 1, 4), (None, "fsdp")),  # that two devices divide
        ((2**16 + 1, 3), ()),
    ],
)
def test_large_arrays_are_split(shape, spec):
    mesh = jax.sharding.AbstractMesh((1, 2), ("data", "fsdp"))
    placed = devices.state_sharding(mesh, {"array": jax.ShapeDtypeStruct(shape, jnp.float32)})
    assert placed["array"].spec == jax.sharding.PartitionSpec(*spec)


def test_the_free_memory_of_a_gpu_is_what_is_not_in_use(monkeypatch):
    class Gpu:
        platform = "gpu"

        def memory_stats(self):
            return {"bytes_limit": 80, "bytes_in_use": 30}

    monkeypatch.setattr(devices.jax, "local_devices", lambda: [Gpu()])
    assert devices.free_memory() == 50


def test_a_batch_is_split_over_both_axes():
    assert devices.batch_sharding(devices.make_mesh(1)).spec == jax.sharding.PartitionSpec(("data", "fsdp"))


def test_free_memory_is_measured():
    assert 2**20 < devices.free_memory() < 2**50
