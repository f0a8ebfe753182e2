from pathlib import Path

import numpy as np
import pytest
from flax.traverse_util import flatten_dict

from study_classification.errors import WeightsError
from study_classification.pretrained import convert
from study_classification.pretrained.convert import head_to_skip, to_variables
from study_classification.pretrained.families import names_of
from study_classification.pretrained.files import TensorFile
from study_classification.pretrained.names import Names


def torch_file(shapes):
    """A file of torchvision's names that fits the ResNet of these shapes, of random numbers."""
    rng = np.random.default_rng(0)
    leaves = {"kernel": "weight", "scale": "weight", "bias": "bias", "mean": "running_mean", "var": "running_var"}
    tensors = {}
    for path, leaf in flatten_dict(shapes, sep="/").items():
        module, _, name = path.split("/", 2)[2].rpartition("/")
        for ours, theirs in (("layer1_0/", "layer1.0."), ("downsample_", "downsample."), ("classifier", "fc")):
            module = module.replace(ours, theirs)
        shape = [leaf.shape[axis] for axis in {1: (0,), 2: (1, 0), 4: (3, 2, 0, 1)}[len(leaf.shape)]]
        tensors[f"{module}.{leaves[name]}"] = rng.normal(size=shape)
    return TensorFile(Path("w.safetensors"), "torch", tensors)


def test_axes_and_names_of_torch(shapes):
    expected = shapes("resnet5")
    file = torch_file(expected)
    file.tensors["bn1.num_batches_tracked"] = np.array(7)
    variables = to_variables(file, "resnet5", expected)
    found = flatten_dict(variables, sep="/")
    assert {path: leaf.shape for path, leaf in found.items()} == {
        path: leaf.shape for path, leaf in flatten_dict(expected, sep="/").items()
    }
    assert {leaf.dtype for leaf in found.values()} == {np.dtype("float32")}
    tensors = {name: array.astype(np.float32) for name, array in file.tensors.items()}
    kernel = variables["params"]["backbone"]["layer1_0"]["conv2"]["kernel"]
    assert kernel[2, 1, 5, 9] == tensors["layer1.0.conv2.weight"][9, 5, 2, 1]
    assert variables["params"]["head"]["classifier"]["kernel"][100, 3] == tensors["fc.weight"][3, 100]
    block = variables["batch_stats"]["backbone"]["layer1_0"]
    np.testing.assert_array_equal(block["downsample_1"]["var"], tensors["layer1.0.downsample.1.running_var"])
    np.testing.assert_array_equal(variables["params"]["backbone"]["bn1"]["scale"], tensors["bn1.weight"])


def test_all_that_is_left_is_listed_on_both_sides(shapes):
    expected = shapes("resnet5")
    file = torch_file(expected)
    file.tensors["layer2.0.conv1.weight"] = np.zeros((4, 3, 2, 1))
    file.tensors["fc.bias"] = np.zeros(12)
    del file.tensors["bn1.running_var"]
    with pytest.raises(WeightsError) as caught:
        to_variables(file, "resnet5", expected)
    first, *rest = str(caught.value).split("\n")
    assert "does not fit resnet5: 2 of its tensors are not used, 2 of the network's are not filled" in first
    assert sorted(line.strip() for line in rest) == [
        "in the file:    fc.bias [12]",
        "in the file:    layer2.0.conv1.weight [4 x 3 x 2 x 1]",
        "in the network: batch_stats/backbone/bn1/var [64]",
        "in the network: params/head/classifier/bias [10]",
    ]


def test_two_tensors_for_one_parameter(shapes):
    expected = shapes("resnet5")
    file = torch_file(expected)
    file.tensors["linear.bias"] = file.tensors["fc.bias"]
    with pytest.raises(WeightsError, match=r"1 of its tensors are not used, 0 (.|\n)*linear.bias \[10\]"):
        to_variables(file, "resnet5", expected)


def test_values_that_are_not_finite(shapes):
    expected = shapes("resnet5")
    file = torch_file(expected)
    file.tensors["conv1.weight"][3, 2, 1, 0] = np.nan
    with pytest.raises(WeightsError, match="params/backbone/conv1/kernel holds values that are not finite"):
        to_variables(file, "resnet5", expected)


def test_the_last_layer_can_be_left_out(shapes):
    file = torch_file(shapes("resnet5"))
    variables = to_variables(file, "resnet5", shapes("resnet5", num_classes=3), skip="head/classifier")
    assert variables["params"].keys() == {"backbone"}
    del file.tensors["bn1.weight"]
    with pytest.raises(WeightsError, match="0 of its tensors are not used, 1 of"):
        to_variables(file, "resnet5", shapes("resnet5", num_classes=3), skip="head/classifier")


def test_keras_kernels_keep_their_axes_but_the_first_turns_from_bgr(shapes):
    expected = shapes("resnet5", "keras")
    rng = np.random.default_rng(0)
    weights = {"kernel": "kernel", "scale": "gamma", "bias": "bias", "mean": "moving_mean", "var": "moving_variance"}
    modules = {"conv1": "conv1_conv", "bn1": "conv1_bn", "classifier": "predictions"}
    modules |= {f"layer1_0/conv{i}": f"conv2_block1_{i}_conv" for i in (1, 2, 3)}
    modules |= {f"layer1_0/bn{i}": f"conv2_block1_{i}_bn" for i in (1, 2, 3)}
    modules |= {"layer1_0/downsample_0": "conv2_block1_0_conv", "layer1_0/downsample_1": "conv2_block1_0_bn"}
    tensors = {}
    for path, leaf in flatten_dict(expected, sep="/").items():
        module, _, name = path.split("/", 2)[2].rpartition("/")
        weight = "beta" if name == "bias" and "bn" in modules[module] else weights[name]
        tensors[f"{modules[module]}/{weight}"] = rng.normal(size=leaf.shape).astype(np.float32)
    params = to_variables(TensorFile(Path("w.h5"), "keras", tensors), "resnet5", expected)["params"]["backbone"]
    np.testing.assert_array_equal(params["conv1"]["kernel"][:, :, ::-1], tensors["conv1_conv/kernel"])
    np.testing.assert_array_equal(params["layer1_0"]["conv2"]["kernel"], tensors["conv2_block1_2_conv/kernel"])
    np.testing.assert_array_equal(params["layer1_0"]["downsample_1"]["bias"], tensors["conv2_block1_0_bn/beta"])


def leaf(*shape):
    return np.zeros(shape)


def test_depthwise_kernels_of_either_layout():
    kernel = np.random.default_rng(0).normal(size=(3, 3, 1, 8)).astype(np.float32)
    expected = {"params": {"backbone": {"stem": {"conv": {"kernel": kernel}}}}}
    keras = TensorFile(Path("w.h5"), "keras", {"Conv1/depthwise_kernel": kernel.transpose(0, 1, 3, 2)})
    torch = TensorFile(Path("w"), "torch", {"features.0.0.weight": kernel.transpose(3, 2, 0, 1)})
    for file in (keras, torch):
        found = to_variables(file, "mobilenet_v2", expected)
        np.testing.assert_array_equal(found["params"]["backbone"]["stem"]["conv"]["kernel"], kernel)


def test_dense_layers_over_a_map_that_torch_flattens_by_channel(monkeypatch):
    names = Names(torch=[("^fc$", "head/dense1")], flattened={"head/dense1": (2, 3, 4)})
    monkeypatch.setattr(convert, "names_of", lambda name: names)
    kernel = np.random.default_rng(0).normal(size=(5, 2, 3, 4)).astype(np.float32)  # [out, channel, row, column]
    expected = {"params": {"head": {"dense1": {"kernel": np.zeros((24, 5))}}}}
    for written in (kernel.reshape(5, 24), kernel):  # as a dense layer (torchvision), as a convolution (timm)
        file = TensorFile(Path("w"), "torch", {"fc.weight": written})
        found = to_variables(file, "vgg16", expected)["params"]["head"]["dense1"]["kernel"]
        assert found[(2 * 4 + 3) * 2 + 1, 4] == kernel[4, 1, 2, 3]
        np.testing.assert_array_equal(found.reshape(3, 4, 2, 5).transpose(3, 2, 0, 1), kernel)


HEAD = {"params/head/dense1/kernel": (4, 2), "params/head/classifier/kernel": (2, 10)}


@pytest.mark.parametrize(
    ("found", "skip"),
    [
        (HEAD, ""),
        (HEAD | {"params/head/classifier/kernel": (2, 3)}, "head/classifier"),
        (HEAD | {"params/head/dense1/kernel": (8, 2)}, "head"),
        ({"params/head/classifier/kernel": (2, 10)}, "head"),
        ({}, "head"),
    ],
)
def test_what_a_file_leaves_out(found, skip):
    backbone = {"params/backbone/conv1/kernel": (3, 3, 3, 8)}
    assert head_to_skip(found | {"params/backbone/other": (1,)}, HEAD | backbone) == skip


def test_vgg_counts_relu_and_pools_in_torch():
    def path(model, module):
        file = TensorFile(Path("w"), "torch", {f"{module}.bias": leaf(1)})
        return convert.path_of(file, f"{module}.bias", model).removeprefix("params/backbone/").removesuffix("/bias")

    assert path("vgg16", "features.7") == "block2_conv2"
    assert path("vgg16", "features.28") == "block5_conv3"
    assert path("vgg11", "features.18") == "block5_conv2"
    assert path("vgg16_bn", "features.41") == "block5_bn3"
    assert path("vgg19_bn", "features.49") == "block5_conv4"


def test_a_network_of_this_project_alone_has_no_names():
    with pytest.raises(WeightsError, match="no other library has weights of original"):
        names_of("original")


@pytest.mark.parametrize(
    ("model", "layout", "name", "axes", "path"),
    [
        ("alexnet", "torch", "features.8.weight", 4, "params/backbone/conv4/kernel"),
        ("squeezenet1_1", "torch", "features.9.squeeze.bias", 1, "params/backbone/fire6/squeeze/bias"),
        ("vgg16_bn", "torch", "features.7.weight", 4, "params/backbone/block2_conv1/kernel"),
        ("vgg16_bn", "torch", "features.8.running_var", 1, "batch_stats/backbone/block2_bn1/var"),
        ("vgg16", "keras", "fc2/kernel", 2, "params/head/dense2/kernel"),
        ("resnet50", "torch", "layer2.0.downsample.1.weight", 1, "params/backbone/layer2_0/downsample_1/scale"),
        ("resnet50", "keras", "conv3_block2_0_bn/gamma", 1, "params/backbone/layer2_1/downsample_1/scale"),
        ("efficientnet_lite0", "torch", "_blocks.1._bn1.weight", 1, "params/backbone/stage2_0/depthwise/bn/scale"),
        (
            "efficientnet_b0",
            "torch",
            "features.2.0.block.1.0.weight",
            4,
            "params/backbone/stage2_0/depthwise/conv/kernel",
        ),
        ("efficientnet_b0", "torch", "blocks.1.1.se.conv_reduce.bias", 1, "params/backbone/stage2_1/se/reduce/bias"),
        ("efficientnet_b0", "keras", "block2b_project_bn/beta", 1, "params/backbone/stage2_1/project/bn/bias"),
        ("mobilenet_v2", "torch", "features.2.conv.1.0.weight", 4, "params/backbone/stage2_0/depthwise/conv/kernel"),
        ("mobilenet_v2", "keras", "bn_Conv1/moving_mean", 1, "batch_stats/backbone/stem/bn/mean"),
        ("mobilenet_v2", "keras", "block_16_project/kernel", 4, "params/backbone/stage7_0/project/conv/kernel"),
    ],
)
def test_names_of_other_libraries(model, layout, name, axes, path):
    file = TensorFile(Path("x"), layout, {name: np.zeros((1,) * axes)})
    assert convert.path_of(file, name, model) == path
