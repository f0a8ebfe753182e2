"""Turns images of a Python program (paths, Pillow images, arrays) into the arrays that a network sees."""

import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from study_classification.errors import DataError
from study_classification.inputs.images.decode import UnreadableImage, upright_rgb
from study_classification.inputs.images.preprocess import eval_view
from study_classification.inputs.images.reader import ImageReader
from study_classification.paths import printable, read_file, user_path, why
from study_classification.system.threads import num_workers, parallel

_opening = threading.Lock()  # Pillow reads a file when it is first needed, which two threads must not do at once


def is_single(images: Any) -> bool:
    """Whether this is one image instead of several: a path, a Pillow image, or an array of two or three axes."""
    return isinstance(images, str | os.PathLike | Image.Image) or (_is_array(images) and np.ndim(images) in (2, 3))


def read_given(images: Any, reader: ImageReader, workers: int) -> Iterator[UInt8[np.ndarray, "h w c"]]:
    """Each image as the network sees it, in order. Threads read some images ahead.

    Args:
        images: one image, or several: an array [n, h, w, 3] or an iterable of images. An image is a path, a Pillow
            image, or an array uint8 [h, w, 3], [h, w, 1] or [h, w] of any size.
        reader: the preprocessing of the run.
        workers: number of threads; 0 is one for each core.

    Raises:
        DataError: if something is no image, or cannot be read.
    """
    single = is_single(images)

    def read(numbered: tuple[int, Any]) -> np.ndarray:
        number, image = numbered
        try:
            if isinstance(image, str | os.PathLike):
                return reader.read(read_file(user_path(image)))[0]
            return eval_view(image, reader.preprocess)
        except UnreadableImage as error:
            raise DataError(f"{_name(image, number, single)} cannot be read: {error}") from None
        except OSError as error:
            raise DataError(f"{_name(image, number, single)} cannot be read: {why(error)}") from None

    def opened() -> Iterator[tuple[int, Any]]:
        for number, image in enumerate([images] if single else _several(images)):
            yield (
                number,
                image if isinstance(image, str | os.PathLike) else _to_rgb(image, _name(image, number, single)),
            )

    return parallel(read, opened(), num_workers(workers))


def _several(images: Any) -> Iterable:
    if isinstance(images, bytes | Mapping) or not (_is_array(images) or isinstance(images, Iterable)):
        raise DataError(
            f"the type {type(images).__name__} is no image: give a path, a Pillow image, an array, or a list of them"
        )
    if _is_array(images):
        array = np.asarray(images)
        if array.ndim != 4 and not (array.ndim == 1 and array.dtype.kind in "UO"):  # paths, or arrays of several sizes
            raise DataError(_wrong_shape("the array", array.shape))
        return array
    return images


def _to_rgb(image: Any, name: str) -> Image.Image:
    """A Pillow image of mode RGB, upright, from a Pillow image or an array."""
    if isinstance(image, Image.Image):
        try:
            with _opening:
                return upright_rgb(image)
        except MemoryError:
            raise
        except Exception as error:  # Pillow's plugins raise errors of nearly every type on damaged files
            raise DataError(f"{name} cannot be read: {error}") from None
    if not _is_array(image):
        raise DataError(f"{name} is of the type {type(image).__name__}: give a path, a Pillow image or an array")
    array = np.asarray(image)
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (1, 3)):
        raise DataError(_wrong_shape(name, array.shape))
    if array.dtype != np.uint8:
        raise DataError(f"{name} holds {array.dtype} numbers: give uint8 from 0 (black) to 255 (white)")
    if not array.size:
        raise DataError(f"{name} has the shape {list(array.shape)}, so it has no pixels")
    return Image.fromarray(array[..., 0] if array.shape[2:] == (1,) else array).convert("RGB")


def _wrong_shape(name: str, shape: tuple[int, ...]) -> str:
    wanted = "give [h, w, 3] (RGB), [h, w] or [h, w, 1] (grey), or several as [n, h, w, 3] or a list"
    if len(shape) == 3 and shape[2] == 4:
        wanted = "give RGB without the fourth channel, array[..., :3]"
    elif len(shape) == 3 and shape[0] in (1, 3):
        wanted = "its channels come first: give [h, w, 3], np.moveaxis(array, 0, -1)"
    return f"{name} has the shape {list(shape)}: {wanted}"


def _is_array(value: Any) -> bool:
    """Whether NumPy can read it as an array: an array of NumPy or JAX, or of PyTorch on the CPU."""
    return hasattr(value, "__array__") and hasattr(value, "shape") and hasattr(value, "dtype")


def _name(image: Any, number: int, single: bool) -> str:
    if isinstance(image, str | os.PathLike):
        return printable(os.fspath(image))
    return "the image" if single else f"image {number}"
