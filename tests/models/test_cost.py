import optax
import pytest

from study_classification.configs import default
from study_classification.models import Classifier, Head, create_model
from study_classification.models.cost import Layer, Summary, format_summary, summarize
from study_classification.models.resnet_cifar import CifarResNet


def make_model(name, num_classes=10, num_tokens=0):
    model_config = default.get_config().model
    model_config.update(name=name, dropout=0.0)
    return create_model(model_config, num_classes, num_tokens=num_tokens)


def is_head(path):
    return path.startswith("head/")


def test_layers_of_a_perceptron():
    summary = summarize(make_model("mlp"), (28, 28, 1), batch_size=4)
    assert summary.layers == (
        Layer("backbone/dense1", "Dense", (128,), 100_480, 100_480, 2 * 784 * 128),
        Layer("head/dropout", "Dropout", (128,), 0, 0, 0),
        Layer("head/classifier", "Dense", (10,), 1_290, 1_290, 2 * 128 * 10),
    )
    assert summary.parameters == summary.trainable == 101_770
    assert summary.flops == 203_264


def test_looking_words_up_is_no_operation():
    summary = summarize(make_model("text_average", 2, num_tokens=102), (50,), batch_size=4, noun="texts")
    assert summary.layers[0] == Layer("backbone/embedding", "WordEmbedding", (50, 16), 1632, 1632, 0)
    assert summary.flops == 2 * (16 * 128 + 128 * 2) and summary.memory["texts"] == 4 * 50 * 4
    assert "MFLOPs a text (" in format_summary(summary)


def test_memory_counts_what_is_trained():
    images, parameters = 4 * 784 * 4, 101_770 * 4
    memory = summarize(make_model("mlp"), (28, 28, 1), batch_size=4, optimizer=optax.adam(1e-3)).memory
    assert memory.pop("activations") >= 4 * 128 * 4  # the hidden layer at least
    assert memory == {
        "parameters": parameters,
        "batch statistics": 0,
        "gradients": parameters,
        "optimizer state": 2 * parameters + 4,
        "pictures": images,
    }  # two moments and a step counter

    summary = summarize(make_model("mlp"), (28, 28, 1), batch_size=4, trainable=is_head)
    assert [layer.trainable for layer in summary.layers] == [0, 0, 1_290]
    assert summary.memory["gradients"] == summary.trainable * 4 == 1_290 * 4
    assert summary.memory["optimizer state"] == 0


def test_activations_are_the_maps_kept_for_the_backward_pass():
    def activations(**kwargs):
        return summarize(Classifier(CifarResNet(1), Head(10)), (32, 32, 3), 16, **kwargs).memory["activations"]

    maps = (3 * 16 * 32**2 + 2 * 32 * 16**2 + 2 * 64 * 8**2) * 4 * 16  # bytes that the 7 convolutions put out
    assert maps < activations() < 4 * maps
    assert activations(trainable=is_head) < maps


def test_published_operations_of_resnet50_and_its_batch_statistics():
    summary = summarize(make_model("resnet50", 1000), (224, 224, 3), batch_size=1, trainable=is_head)
    assert summary.flops / 2e9 == pytest.approx(4.089, abs=0.001)  # torchvision: 4.09 GMACs
    assert sum(layer.parameters for layer in summary.layers) == summary.parameters == 25_557_032
    assert summary.memory["batch statistics"] == (53_173 - 53) * 4  # torchvision's buffers but for 53 step counters
    assert [layer.output_shape for layer in summary.layers if layer.type == "Conv"][-1] == (7, 7, 2048)


def test_text_has_a_line_for_each_layer_and_fits():
    summary = summarize(
        make_model("resnet20"), (32, 32, 3), 2, trainable=lambda path: is_head(path) or "bn1/scale" in path
    )
    lines = format_summary(summary).splitlines()
    assert max(map(len, lines)) <= 100
    assert len(lines) == 2 + len(summary.layers) + 1 + 3 + 7
    assert lines[2].split() == ["backbone/conv1", "Conv", "32x32x16", "432", "0.88", "frozen"]
    assert lines[3].split() == ["backbone/bn1", "BatchNorm", "32x32x16", "32", "0.00", "partly", "frozen"]
    assert "head/classifier" in lines[-12] and lines[-12].endswith("trainable")
    assert "Parameters: 269,722, of them trainable: 1,002" in lines  # 650, and 4 x 16 + 3 x 32 + 3 x 64 of bn1
    assert "  sum " in lines[-1]


def test_a_multiply_accumulate_is_two_operations():
    lines = format_summary(Summary((), 5, 3, 6_000_000, 2, {"parameters": 2**20, "pictures": 2**21})).splitlines()
    assert "Parameters: 5, of them trainable: 3" in lines
    assert "Forward pass: 6.00 MFLOPs a picture (3.00 MMACs)" in lines
    assert [line.split() for line in lines[-3:]] == [
        ["parameters", "1.0", "MiB"],
        ["pictures", "2.0", "MiB"],
        ["sum", "3.0", "MiB"],
    ]
