"""Reads an encoded image as the array that a network sees."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8

from study_classification.inputs.images.decode import decode_scaled
from study_classification.inputs.images.preprocess import Preprocess, eval_view, training_canvas


@dataclass(frozen=True)
class ImageReader:
    """Turns an encoded image into an array: the evaluation view, or, with a canvas size, a training canvas."""

    preprocess: Preprocess
    max_megapixels: float
    canvas_size: int = 0

    @property
    def shape(self) -> tuple[int, int, int]:
        side = self.canvas_size or self.preprocess.image_size
        return side, side, self.preprocess.channels

    def read(self, data: bytes) -> tuple[UInt8[np.ndarray, "h w c"], np.float32]:
        """(image uint8 [h, w, c], width / height).

        Raises:
            UnreadableImage: with the reason.
        """
        p = self.preprocess
        min_side = self.canvas_size or p.resize_size
        image, box = decode_scaled(data, min_side, max_megapixels=self.max_megapixels)
        if self.canvas_size:
            return training_canvas(image, self.canvas_size, p.channels, p.interpolation, box)
        return eval_view(image, p, box), np.float32(1.0)
