"""A page by its parts: what is escaped, what is translated, what a figure and a thumbnail hold."""

import base64
import io
import re

import numpy as np
import pytest
from jinja2 import UndefinedError
from matplotlib.figure import Figure
from PIL import Image

from study_classification.language.translate import speak
from study_classification.pages.page import environment, figure, image, inline_svg, render


def page(source, **values):
    return environment().from_string(source).render(**values)


def line():
    drawn = Figure(figsize=(3, 2))
    axes = drawn.subplots()
    axes.plot([0, 1], [0, 1])
    axes.set_title("a < b")
    return drawn


def test_values_are_escaped_and_must_be_given():
    table = '{% from "parts.html" import table %}{{ table(["<th>"], [["<b>", "1"]]) }}'
    assert "<td>&lt;b&gt;</td>" in page(table) and "&lt;th&gt;" in page(table)
    with pytest.raises(UndefinedError):
        page("{{ nothing }}")


def test_sentences_are_said_in_the_language_of_the_program():
    said = '{{ _("Over-fitting: {}", name) }}|{{ 0.1234|percent }} {{ 12345|number }}'
    assert page('{{ _("Stopped early: {}", "<x>") }}') == "Stopped early: &lt;x&gt;"
    speak("ja")
    try:
        assert page('{{ _("Stopped early: {}", "<x>") }}') == "早期終了: &lt;x&gt;"
        assert '<html lang="ja">' in render("base.html")
    finally:
        speak("en")
    assert page(said, name="x") == "Over-fitting: x|12.3 % 12,345"
    assert '<html lang="en">' in render("base.html")


def test_the_frame_asks_for_nothing_outside():
    text = render("base.html")
    assert "default-src 'none'" in text
    assert not re.search(r"https?:|src=|<link|@import|<script", text)


def test_figures_do_not_share_ids_and_refer_to_their_own():
    one, other = (inline_svg(line()) for _ in range(2))
    assert one == other  # it has neither a date nor chance
    other = inline_svg(Figure(figsize=(1, 1)))
    for text in (one, other):
        ids = set(re.findall(r' id="([^"]+)"', text))
        assert ids == set(re.findall(r'(?:href="|url\()#([^")]+)', text))
        assert "http" not in text and "width" not in re.match("<svg[^>]*>", text)[0]
        assert 'viewBox="0 0' in text
    assert not set(re.findall(r' id="([^"]+)"', one)) & set(re.findall(r' id="([^"]+)"', other))


def test_a_figure_has_a_description_and_a_caption():
    text = figure(line(), 'a "line"', "below <it>")
    assert "--width:288px" in text and 'aria-label="a &#34;line&#34;"' in text
    assert "<figcaption>below &lt;it&gt;</figcaption>" in text and "<svg" in text
    assert "figcaption" not in figure(line(), "a line")


def decoded(markup):
    data = re.search(r"base64,([^\"]+)", markup)[1]
    return Image.open(io.BytesIO(base64.b64decode(data)))


def test_a_thumbnail_keeps_its_shape_and_a_tiny_one_is_enlarged():
    text = image(np.zeros((300, 600, 3), np.uint8), 'a "dog"')
    assert 'alt="a &#34;dog&#34;" width="128" height="64"' in text and decoded(text).size == (128, 64)
    dots = np.zeros((8, 8, 1), np.uint8)
    dots[0, 0] = 255
    large = decoded(image(dots, "dots"))
    assert large.size == (128, 128) and large.mode == "L"
    pixels = np.asarray(large)
    assert pixels[4, 4] > 200 and pixels[15, 15] > 200 and pixels[16, 16] < 50  # 16 pixels a side, of one shade
    assert decoded(image(Image.new("RGBA", (70, 70)), "clear")).mode == "RGB"
