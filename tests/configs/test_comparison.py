"""The study group's comparison: what its sweep sets is what configs/photos.py would."""

from study_classification.config import call_beside_config, find_config, flatten
from study_classification.config_rules import has_effect
from study_classification.configs import comparison, photos
from study_classification.studies.grid import checked_sweep
from study_classification.studies.settings import with_settings


def test_each_setting_is_the_config_of_photos_for_it(tmp_path):
    for name in ("mobilenet_v2_a.safetensors", "mobilenet_v2_b.safetensors"):
        (tmp_path / name).touch()
    arguments = f"data=x,weights={tmp_path},seeds=2,epochs=4"
    config = comparison.get_config(arguments)
    sweep = checked_sweep(call_beside_config(f"{find_config('comparison')}:{arguments}", ["sweep"])["sweep"], config)
    assert sweep.seeds == (0, 1)
    assert len(sweep.settings) == 10 and sweep.settings["original from_scratch"] == {}
    tuned = with_settings(config, sweep.settings["mobilenet fine_tuning"])
    file = tmp_path / "mobilenet_v2_b.safetensors"
    wanted = photos.get_config(f"data=x,model=mobilenet,learning=fine_tuning,weights={file},epochs=4")
    differing = {field for field, value in flatten(wanted).items() if flatten(tuned)[field] != value}
    assert not {field for field in differing if has_effect(wanted, field)}
    assert (tuned.optimizer.name, tuned.total_epochs, tuned.ema_decay) == ("adamw", 4.0, 0.0)
    assert with_settings(config, sweep.settings["resnet transfer_learning"]).model.weights == ""


def test_some_of_the_networks_can_be_asked_for():
    assert list(comparison.sweep('models="original,resnet"').settings) == [
        "original from_scratch",
        "resnet from_scratch",
        "resnet fine_tuning",
        "resnet transfer_learning",
    ]
