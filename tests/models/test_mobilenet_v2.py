import jax


def test_published_parameters(make_model, shapes):
    params = shapes(make_model("mobilenet_v2", num_classes=1000), 32, 32, 3)["params"]
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == 3_504_872


def test_blocks_of_the_table(make_model, shapes):
    backbone = shapes(make_model("mobilenet_v2"), 32, 32, 3)["params"]["backbone"]
    widths = {name: block["project"]["conv"]["kernel"].shape[2:] for name, block in backbone.items() if "stage" in name}
    assert widths == {
        "stage1_0": (32, 16),
        "stage2_0": (96, 24),
        "stage2_1": (144, 24),
        "stage3_0": (144, 32),
        "stage3_1": (192, 32),
        "stage3_2": (192, 32),
        "stage4_0": (192, 64),
        "stage4_1": (384, 64),
        "stage4_2": (384, 64),
        "stage4_3": (384, 64),
        "stage5_0": (384, 96),
        "stage5_1": (576, 96),
        "stage5_2": (576, 96),
        "stage6_0": (576, 160),
        "stage6_1": (960, 160),
        "stage6_2": (960, 160),
        "stage7_0": (960, 320),
    }
