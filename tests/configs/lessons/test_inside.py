from study_classification.configs.lessons import inside
from study_classification.models import create_model
from study_classification.models.cost import summarize


def test_the_arithmetic_of_the_lesson_is_that_of_the_summary():
    config = inside.get_config()
    model = create_model(config.model, 10)
    shape = (config.preprocess.image_size, config.preprocess.image_size, config.preprocess.channels)
    layers = {layer.path.rpartition("/")[2]: layer for layer in summarize(model, shape, 1).layers}
    counted = {
        "conv1": (3 * 3 * 1 * 16 + 16, 14), "conv2": (3 * 3 * 16 * 32 + 32, 12), "conv3": (3 * 3 * 32 * 64 + 64, 10),
        "conv4": (3 * 3 * 64 * 64 + 64, 8), "conv5": (3 * 3 * 64 * 64 + 64, 6), "conv6": (3 * 3 * 64 * 64 + 64, 4),
    }  # fmt: skip
    for name, (parameters, side) in counted.items():
        assert layers[name].parameters == parameters and layers[name].output_shape[:2] == (side, side)
        assert f"{parameters:,}" in inside.__doc__
    dense = {"dense1": 4 * 4 * 64 * 516 + 516, "dense2": 516 * 256 + 256, "classifier": 256 * 10 + 10}
    assert {name: layers[name].parameters for name in dense} == dense
    total = sum(parameters for parameters, _ in counted.values()) + sum(dense.values())
    assert summarize(model, shape, 1).parameters == total == 797_902 and f"{total:,}" in inside.__doc__
