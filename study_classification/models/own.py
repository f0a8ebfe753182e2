"""Runs a user's own network: `FILE.py:Class` or `package.module:Class` as `model.name`.

The class is a Flax Linen module, used as a backbone:

- It is made by `Class()`, or by `Class(dtype=...)` if it has a field `dtype`: the type to compute in. Its other fields
  have defaults.
- `__call__(self, x, train)` takes images float32 [b, h, w, c], normalised, and gives a feature map [b, h', w', c'] or
  features [b, d]. `train` is True in training steps only.
- Its variables are `params` and, with BatchNorm, `batch_stats`. Training has one random stream, `dropout`.
"""

import dataclasses
import hashlib
import importlib
import inspect
import io
import sys
import threading
from pathlib import Path
from types import ModuleType

import flax.linen as nn
from jax.typing import DTypeLike

from study_classification.errors import ConfigError, nearest
from study_classification.paths import read_file, user_path, why

_lock = threading.Lock()
_modules: dict[str, ModuleType] = {}  # digest of the source of a file -> the names that it defines
_sources: dict[Path, str] = {}  # file -> the source that was run last


def is_own(name: str) -> bool:
    """Whether a `model.name` means a user's own network."""
    return ":" in name


def class_name(name: str) -> str:
    """The name of the class behind the colon; for a network of this project its whole name."""
    return name.rpartition(":")[2]


def file_of(name: str) -> Path | None:
    """The absolute path of the file in a `model.name`; None for a module or a network of this project."""
    where = name.rpartition(":")[0]
    return user_path(where).absolute() if where.endswith(".py") or "/" in where else None


def read_source(file: Path) -> str:
    """The source in the file of a network.

    Raises:
        ConfigError: if the file is absent or no text.
    """
    try:
        return io.TextIOWrapper(io.BytesIO(read_file(file)), encoding="utf-8").read()
    except FileNotFoundError:
        raise ConfigError(f"model.name means the file {file}, which does not exist") from None
    except OSError as error:
        raise ConfigError(f"model.name means the file {file}, which cannot be read: {why(error)}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"model.name means the file {file}, which cannot be read: {error}") from None


def source_of(name: str) -> str:
    """The source of a `FILE.py:Class` as it was run last, even if the file has changed since."""
    file = file_of(name)
    assert file is not None, name
    if file not in _sources:
        class_of(name)
    return _sources[file]


def identity_of(name: str) -> str:
    """A text that is the same for the same network: its class with a digest of its source, wherever that lies.

    The source of a module is all Python files of its package, for they may import each other.
    """
    if not is_own(name):
        return name
    found = class_of(name)
    if file_of(name):
        content = source_of(name).encode()
    else:
        root = getattr(sys.modules[found.__module__.partition(".")[0]], "__file__", None)
        root = Path(root or inspect.getfile(found))
        files = sorted(root.parent.rglob("*.py")) if root.name == "__init__.py" else [root]
        content = b"\0".join(read_file(file) for file in files)
    return f"{class_name(name)}@{hashlib.sha256(content).hexdigest()}"


def own_backbone(name: str, dtype: DTypeLike) -> nn.Module:
    """Makes the network `FILE.py:Class` or `package.module:Class`, which computes in `dtype` if it has such a field.

    Raises:
        ConfigError: if there is no such file, module or class, or the class does not keep to the protocol above.
    """
    found = class_of(name)
    fields = {field.name: field for field in dataclasses.fields(found) if field.init}
    missing = [
        field.name
        for field in fields.values()
        if field.default is dataclasses.MISSING
        and field.default_factory is dataclasses.MISSING
        and field.name != "dtype"
    ]
    if missing:
        raise ConfigError(f"the network {name} has fields without a default: give one to {', '.join(missing)}")
    try:
        inspect.signature(found.__call__).bind(None, None, train=False)
    except TypeError:
        raise ConfigError(f"the network {name} is called in another way: define __call__(self, x, train)") from None
    return found(**({"dtype": dtype} if "dtype" in fields else {}))


def class_of(name: str) -> type[nn.Module]:
    """The class `FILE.py:Class` or `package.module:Class`. A file that has changed is run again.

    Raises:
        ConfigError: if there is no such file, module or class, or it is no Flax module.
    """
    where, _, wanted = name.rpartition(":")
    if not where or not wanted.isidentifier():
        raise ConfigError(f"model.name is '{name}': give FILE.py:Class or package.module:Class")
    file = file_of(name)
    module = _run_file(file) if file else _import(where)
    found = getattr(module, wanted, None)
    if found is None:
        networks = [key for key, value in vars(module).items() if _is_network(value)]
        advice = nearest(wanted, networks) if networks else "it defines no Flax module at all"
        raise ConfigError(f"{where} has no class '{wanted}': {advice}")
    if not _is_network(found):
        raise ConfigError(f"{wanted} of {where} is no Flax module: derive it from flax.linen.Module")
    return found


def check_output(network: nn.Module, output: object, batch: int) -> None:
    """Raises ConfigError unless the output of a backbone for a batch of `batch` images is [b, h, w, c] or [b, d]."""
    shape = getattr(output, "shape", None)
    if shape is None or len(shape) not in (2, 4) or shape[0] != batch:
        what = f"the type {type(output).__name__}" if shape is None else f"the shape {list(shape)}"
        raise ConfigError(
            f"the network {type(network).__name__} gives {what} for a batch of {batch}: it has to give a feature map "
            "[b, h, w, c] or features [b, d]"
        )


def _is_network(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, nn.Module)


def _run_file(file: Path) -> ModuleType:
    """The names that a file defines. The same source is run once, so a copy of a file gives the same class."""
    source = read_source(file)
    digest = hashlib.sha256(source.encode()).hexdigest()
    with _lock:
        if digest not in _modules:
            module = ModuleType(f"own_network_{digest[:16]}")
            module.__file__ = str(file)
            sys.modules[module.__name__] = module  # where dataclasses and pickle look up the module of a class
            try:
                exec(compile(source, str(file), "exec"), module.__dict__)
            except Exception as error:
                del sys.modules[module.__name__]
                raise ConfigError(f"{file} cannot be run: {_in_words(error)}") from error
            _modules[digest] = module
        _sources[file] = source
        return _modules[digest]


def _import(module: str) -> ModuleType:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name and f"{module}.".startswith(f"{error.name}."):
            raise ConfigError(
                f"model.name means the module {module}, but there is no module named {error.name}: install it, put its "
                "folder on PYTHONPATH, or give a file as FILE.py:Class"
            ) from None
        raise ConfigError(f"the module {module} cannot be imported: {_in_words(error)}") from error
    except Exception as error:
        raise ConfigError(f"the module {module} cannot be imported: {_in_words(error)}") from error


def _in_words(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())
