from study_classification.inputs.images.preprocess import Preprocess
from study_classification.inputs.kinds import IMAGES, KINDS, preprocess_from_json, reader_of
from study_classification.inputs.texts import learn_texts


def test_the_reader_of_images_has_their_sizes_and_rows_are_read_as_they_are():
    images, texts = Preprocess(8, 9, "bilinear", 1, (0.5,), (0.25,)), learn_texts(["a film"], "text", 10)
    reader = reader_of(images, 0.5, 10)
    assert (reader.preprocess, reader.max_megapixels, reader.canvas_size, reader.shape) == (
        images,
        0.5,
        10,
        (10, 10, 1),
    )
    assert reader_of(images, 0.5).shape == (8, 8, 1)
    assert reader_of(texts, 0.5, 10) is texts
    for kind, learnt in ((IMAGES, images), ("texts", texts)):
        assert preprocess_from_json(kind, learnt.to_json()) == learnt and isinstance(learnt, KINDS[kind])
