from pathlib import Path

import matplotlib
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager

from study_classification.reports import lettering
from study_classification.reports.lettering import drawable, fonts, lettered


@pytest.fixture(autouse=True)
def _forgotten():
    """What is found once is kept for the process."""

    def forget():
        for each in (fonts, lettering._known_signs, lettering._say_once):
            each.cache_clear()

    known = list(fontManager.ttflist)
    forget()
    yield
    forget()
    fontManager.ttflist = known


@pytest.fixture
def no_font(monkeypatch):
    monkeypatch.setattr(lettering, "japanese_fonts", list)


@pytest.fixture
def a_font(monkeypatch, tmp_path):
    """A font with a single Japanese sign, a square."""
    pen = TTGlyphPen(None)
    pen.moveTo((0, 0))
    for corner in ((0, 800), (800, 800), (800, 0)):
        pen.lineTo(corner)
    pen.closePath()
    square = pen.glyph()
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder([".notdef", "cat"])
    builder.setupCharacterMap({ord("猫"): "cat"})
    builder.setupGlyf({".notdef": square, "cat": square})
    builder.setupHorizontalMetrics({".notdef": (900, 0), "cat": (900, 0)})
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": "One Cat", "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.save(file := tmp_path / "cat.ttf")
    monkeypatch.setattr(lettering, "japanese_fonts", lambda: [str(file)])


def test_signs_that_no_font_has_are_written_by_their_numbers(no_font, capsys):
    assert drawable("Größe, μ") == "Größe, μ"
    assert drawable("5 $ a $ day") == r"5 \$ a \$ day"  # no formula
    assert drawable("a" * 30) == "a" * 21 + "..." and drawable("a" * 30, 30) == "a" * 30
    assert capsys.readouterr().out == ""
    assert [drawable("猫 cat"), drawable("犬")] == ["\\u732b cat", "\\u72ac"]
    assert capsys.readouterr().out.count("pip install 'study_classification[ja]'") == 1  # said once


def test_signs_of_a_font_that_is_found_are_drawn(a_font):
    assert drawable("猫 cat") == "猫 cat"
    assert drawable("犬 猫") == "\\u72ac 猫"

    @lettered
    def plot():
        figure = Figure()
        figure.subplots().set_title(drawable("猫 cat"))
        return figure

    before = matplotlib.rcParams["font.family"]
    figure = plot()
    assert figure.axes[0].title.get_fontfamily() == ["DejaVu Sans", "One Cat"]
    assert matplotlib.rcParams["font.family"] == before
    figure.canvas.draw()  # a glyph that lacks would warn


def test_whatever_writes_names_has_the_fonts():
    for file in set(Path(lettering.__file__).parent.glob("*.py")) - {Path(lettering.__file__)}:
        source = file.read_text(encoding="utf-8")
        assert "drawable(" not in source or "@lettered" in source, file.name


def test_files_of_fonts_are_known_by_their_names(monkeypatch):
    from matplotlib import font_manager

    files = ["/f/Arial.ttf", "/f/ipaexg.ttf", "/f/NotoSansCJK-Bold.ttc", "/f/NotoSansCJK-Regular.ttc", "/f/YuGothR.ttc"]
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: list(files))
    monkeypatch.setattr(lettering.importlib.util, "find_spec", lambda name: None)
    assert lettering.japanese_fonts() == [files[3], files[2], files[1], files[4]]
