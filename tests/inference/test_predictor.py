import csv
import dataclasses
import io
import json
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import ExifTags, Image

import study_classification as sc
from study_classification.errors import ConfigError, DataError
from study_classification.inference.evaluate import evaluate
from study_classification.inference.predict import predict
from study_classification.inference.predictor import Prediction
from study_classification.models import create_model
from study_classification.models.initial import init_variables
from study_classification.runs.checkpoints import load_model
from study_classification.system import devices


@pytest.fixture
def predictor(run):
    return sc.load(run.workdir)


@pytest.fixture
def files(digits):
    return sorted((digits / "1").iterdir())[:5] + sorted((digits / "0").iterdir())[:5]


@pytest.fixture
def photos():
    """RGB images of several sizes."""
    random = np.random.default_rng(0)
    return [random.integers(0, 256, (*size, 3), np.uint8) for size in ((20, 30), (8, 8), (50, 9))]


def test_paths_give_what_the_command_line_says(predictor, run, files, capsys):
    capsys.readouterr()
    predict(run, list(map(str, files)), output_format="csv")
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    predictions = predictor.predict(files)
    assert [row["class"] for row in rows] == [prediction.label for prediction in predictions]
    assert [float(row["probability"]) for row in rows] == [prediction.probability for prediction in predictions]


def test_one_image_gives_one_and_a_list_a_list(predictor, files, photos):
    one = predictor.predict(files[0])
    assert isinstance(one, Prediction)
    assert tuple(one.probabilities) == predictor.class_names == ("0", "1", "2")
    assert one.probability == one.probabilities[one.label] == max(one.probabilities.values())
    assert sum(one.probabilities.values()) == pytest.approx(1, abs=1e-6)
    assert predictor.predict(str(files[0])) == predictor.predict(Image.open(files[0])) == one
    assert predictor.predict(iter([files[0]])) == predictor.predict((files[0],)) == [one]
    assert isinstance(predictor.predict(photos[0]), Prediction)
    assert isinstance(predictor.predict(photos[0][:, :, 0]), Prediction)
    assert len(predictor.predict(photos[0][None])) == len(predictor.predict([photos[0]])) == 1
    assert predictor.predict([]) == predictor.predict(np.zeros((0, 8, 8, 3), np.uint8)) == []


def test_arrays_of_all_kinds_are_the_same_image(predictor, files):
    grey = np.asarray(Image.open(files[0]))
    assert grey.shape == (8, 8)
    expected = predictor.predict(files[0])
    rgb = np.stack([grey] * 3, -1)
    for array in (grey, grey[..., None], rgb, jnp.asarray(rgb), np.asfortranarray(rgb), rgb[::-1][::-1]):
        assert predictor.predict(array) == expected
    several = [grey, rgb, files[0], Image.open(files[0]), grey[..., None]]
    for images in (several, (image for image in several), np.stack([rgb] * 5), np.array([str(files[0])] * 5)):
        np.testing.assert_allclose(
            [prediction.probability for prediction in predictor.predict(images)], expected.probability, rtol=1e-5
        )


def test_images_of_any_size_pass_the_preprocessing_of_the_run(predictor, photos, tmp_path):
    together = predictor.probabilities(photos)
    for number, photo in enumerate(photos):
        Image.fromarray(photo).save(tmp_path / f"{number}.png")
        np.testing.assert_allclose(predictor.probabilities(tmp_path / f"{number}.png")[0], together[number], rtol=1e-5)
    assert predictor.preprocess.image_size == 8
    assert len({tuple(row) for row in together}) == 3


def test_a_pillow_image_is_treated_as_its_file(predictor, photos, tmp_path):
    image = Image.fromarray(photos[0])
    exif = image.getexif()
    exif[ExifTags.Base.Orientation] = 6
    image.save(tmp_path / "turned.png", exif=exif)
    alpha = np.full((20, 30, 1), 90, np.uint8)
    Image.fromarray(np.concatenate([photos[0], alpha], -1)).save(tmp_path / "transparent.png")
    Image.fromarray(photos[0][..., 0].astype(np.uint16) * 257).save(tmp_path / "sixteen_bits.png")
    plain = predictor.predict(photos[0])
    for name in ("turned", "transparent", "sixteen_bits"):
        opened = Image.open(tmp_path / f"{name}.png")
        before = opened.size, opened.mode, dict(opened.getexif())
        assert predictor.predict(opened) == predictor.predict(tmp_path / f"{name}.png") != plain
        assert (opened.size, opened.mode, dict(opened.getexif())) == before


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((8, 8, 3), np.float32), "the image holds float32 numbers: give uint8"),
        (np.zeros((2, 8, 8, 3), np.int64), "image 0 holds int64 numbers"),
        (np.zeros((8, 8), bool), "the image holds bool numbers"),
        (np.zeros((8, 8, 4), np.uint8), r"shape \[8, 8, 4\]: give RGB without the fourth channel"),
        (np.zeros((3, 8, 8), np.uint8), "its channels come first"),
        (np.zeros((2, 3, 8, 8), np.uint8), r"image 0 has the shape \[3, 8, 8\]: its channels come first"),
        (np.zeros((8, 8, 2), np.uint8), r"the image has the shape \[8, 8, 2\]: give \[h, w, 3\]"),
        (np.zeros(8, np.uint8), r"the array has the shape \[8\]"),
        (np.uint8(3), r"the array has the shape \[\]"),
        (np.zeros((1, 1, 8, 8, 3), np.uint8), r"the array has the shape \[1, 1, 8, 8, 3\]"),
        (np.zeros((0, 8, 3), np.uint8), r"shape \[0, 8, 3\], so it has no pixels"),
        ([np.zeros((8, 8), np.uint8), np.zeros((1, 8, 8, 3), np.uint8)], r"image 1 has the shape \[1, 8, 8, 3\]"),
        ([[1, 2], [3, 4]], "image 0 is of the type list"),
        (3, "the type int is no image"),
        (b"\x89PNG", "the type bytes is no image"),
        ({"absent.png": 1}, "the type dict is no image"),
        (Image.new("F", (8, 8)), "its pixels are floating-point numbers"),
        ("absent.png", r"absent\.png cannot be read: it does not exist"),
        (".", r"\. cannot be read: it is a folder, not a file"),
    ],
)
def test_what_is_no_image_is_one_sentence(predictor, images, message):
    for method in (predictor.predict, predictor.features):
        with pytest.raises(DataError, match=message) as raised:
            method(images)
        assert "\n" not in str(raised.value)


def test_an_unreadable_file_among_others_is_named(predictor, files, tmp_path):
    (tmp_path / "text.jpg").write_text("hello")
    with pytest.raises(DataError, match=r"text\.jpg cannot be read: it is text, not a picture"):
        predictor.predict([*files, tmp_path / "text.jpg"])


def test_features_are_what_the_last_layer_takes(predictor, run, files):
    features = predictor.features(files)
    assert (features.shape, features.dtype) == ((10, 16), np.float32)
    assert predictor.features([]).shape == (0, 16)
    model = create_model(run.config.model, 3)
    shapes = devices.abstract(init_variables(model, run.preprocess.shape, jax.random.key(0)))
    _, variables = load_model(run.workdir / "checkpoints", "best", shapes)
    last = variables["params"]["head"]["classifier"]
    np.testing.assert_allclose(
        jax.nn.softmax(features @ last["kernel"] + last["bias"]), predictor.probabilities(files), rtol=1e-4
    )


def test_batches_have_few_sizes(predictor, files):
    """Of any number of images there are as many programs as sizes, and what fills a batch changes no answer."""
    assert predictor.batch_sizes == (1, 4, 16)
    expected, seen = predictor.probabilities(files), []

    def record(batch):
        seen.append(len(batch["image"]))
        return predictor.predictions(batch)

    recording = dataclasses.replace(predictor, predictions=record)
    for count in range(1, 11):
        np.testing.assert_allclose(recording.probabilities(files[:count]), expected[:count], rtol=1e-5)
    assert seen == [1, 4, 4, 4] + [16] * 6
    seen.clear()
    np.testing.assert_allclose(recording.probabilities(files * 2)[10:], expected, rtol=1e-5)
    assert seen == [16, 4]
    on_four = dataclasses.replace(predictor, mesh=SimpleNamespace(size=4))
    assert on_four.batch_sizes == (4, 16)
    predictor.run.config.batch_size = 17
    assert on_four.batch_sizes == (4, 16, 20) and predictor.batch_sizes == (1, 4, 16, 17)


def test_threads_get_the_answers_of_one(run, files, photos):
    """Also where two load at once, and where all ask for the first time, with images that are not yet read."""
    with ThreadPoolExecutor(8) as pool:
        first, second = pool.map(sc.load, [run.workdir] * 2)
        opened = [Image.open(file) for file in files]
        answers = list(pool.map(lambda _: first.predict([*files, *opened, *photos]), range(8)))
        features = list(pool.map(lambda _: first.features(files), range(8)))
    expected = second.predict([*files, *files, *photos])
    assert all(answer == expected for answer in answers)
    assert all((found == second.features(files)).all() for found in features)


def test_measuring_says_what_the_verb_writes_and_writes_only_if_asked(predictor, run, digits):
    report = run.workdir / "report.json"
    metrics = predictor.evaluate()
    assert metrics["split"] == "test" and not report.exists()
    assert predictor.evaluate(digits, write_report=True)["examples"] == 90
    assert json.loads(report.read_text()).keys() == {f"all of {digits}"}
    written = evaluate(run)
    assert written == metrics | {"data": run.config.data.source}  # the same data, in another place
    assert json.loads(report.read_text())["test"] == json.loads(json.dumps(written))


def test_test_time_augmentation(run, photos):
    plain, flipped = sc.load(run.workdir), sc.load(run.workdir, tta="flip")
    mirrored = [photo[:, ::-1] for photo in photos]
    mean = (plain.probabilities(photos) + plain.probabilities(mirrored)) / 2
    np.testing.assert_allclose(flipped.probabilities(photos), mean, rtol=1e-3)
    with pytest.raises(ConfigError, match="tta is 'filp': did you mean flip"):
        sc.load(run.workdir, tta="filp")


def test_a_step_may_be_a_number(run):
    step = sc.load(run.workdir, "last").step
    assert sc.load(str(run.workdir), step).step == step
    assert "3 classes" in repr(sc.load(run.workdir)) and "tiny" in repr(sc.load(run.workdir))
