import ast
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager

from study_classification.language.translate import speak
from study_classification.reports import lettering
from study_classification.reports.calibration import plot_reliability, reliability
from study_classification.reports.confusion import confusion_title, plot_confusion
from study_classification.reports.curves import plot_curve, plot_rates
from study_classification.reports.lettering import drawable, fonts, lettered, wording
from study_classification.reports.residuals import plot_predicted, plot_residuals
from study_classification.reports.thresholds import Curve, plot_precision_recall, plot_roc
from study_classification.reports.trials import compared_figure
from study_classification.reports.weights import plot_weights
from study_classification.runs.history import Epoch, History

REPORTS = Path(lettering.__file__).parent
FOUND_ONCE = (fonts, lettering._known_signs, lettering._say_once)


@pytest.fixture(autouse=True)
def _forgotten():
    """What is found once is kept for the process."""

    def forget():
        for each in FOUND_ONCE:
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
    assert capsys.readouterr().out == ""
    assert [drawable("猫 cat"), drawable("犬")] == ["\\u732b cat", "\\u72ac"]
    assert capsys.readouterr().out.count("pip install 'study_classification[ja]'") == 1  # said once


def test_a_long_name_lacks_its_middle(monkeypatch):
    monkeypatch.setattr(lettering, "_known_signs", lambda *families: frozenset(map(chr, range(0x10000))))
    assert drawable("a" * 30, 30) == "a" * 30
    assert drawable("a" * 20 + "b" * 10) == "a" * 11 + "..." + "b" * 10  # 24
    assert drawable("あ" * 12) == "あ" * 12
    assert drawable("あ" * 8 + "い" * 8) == "あ" * 5 + "..." + "い" * 5  # a Japanese letter is as wide as two
    assert drawable("か\u3099", 2) == "が"  # one letter, in two signs


@pytest.fixture
def japanese(monkeypatch):
    """The program speaks Japanese on a machine whose fonts have every letter."""
    monkeypatch.setattr(lettering, "_known_signs", lambda *families: frozenset(map(chr, range(0x10000))))
    speak("ja")
    yield
    speak("en")


def test_words_are_japanese_where_a_font_has_their_letters(japanese):
    assert [wording("epoch"), wording("true {}", "cat")] == ["エポック", "正しい cat"]
    assert wording("first filters\n{}", "3 x 3") == "最初のフィルタ\n3 x 3"
    speak("en")
    assert [wording("epoch"), wording("true {}", "cat")] == ["epoch", "true cat"]


def test_words_are_english_where_no_font_has_their_letters(no_font, capsys):
    speak("ja")
    try:
        assert [wording("epoch"), wording("true {}", "cat")] == ["epoch", "true cat"]
    finally:
        speak("en")
    assert capsys.readouterr().out == ""  # the page has the Japanese words


def _words(figure):
    """Titles and names of all axes, and the legends, in their order."""
    found = [each for axes in figure.axes for each in (axes.get_title(), axes.get_xlabel(), axes.get_ylabel())]
    for legend in [*figure.legends, *filter(None, (axes.get_legend() for axes in figure.axes))]:
        found += [text.get_text() for text in legend.get_texts()]
    return [text for text in found if text]


def _figures():
    history = History("val_loss", False, 0.0)
    for number in (1, 2):
        history.add(Epoch(number, number, {"loss": 1 / number}, {"loss": 1 / number}, 0.1, 1.0, 1.0))
    sure = reliability(np.array([0.9, 0.8]), np.array([True, False]))
    numbers, counts = np.array([1.0, 2.0, 4.0]), np.array([[3, 1], [0, 2]])
    line = {"mean of all classes": Curve(numbers, numbers, 0.5), "cat": Curve(numbers, numbers, 0.25)}
    return {
        "curve": plot_curve(history, "loss"),
        "rates": plot_rates(history),
        "compared": compared_figure({"mine": [history.epochs]}),
        "confusion": plot_confusion(counts, ("cat", "dog"), confusion_title(counts, "test", "pictures")),
        "reliability": plot_reliability(sure, sure, 0.5),
        "roc": plot_roc(line),
        "precision_recall": plot_precision_recall(line),
        "predicted": plot_predicted(numbers, numbers, "price"),
        "residuals": plot_residuals(numbers, numbers, "price"),
        "weights": plot_weights(np.array([[1.0], [2.0]]), ("a", "b"), ("price",)),
    }


def test_figures_of_the_report_are_english():
    assert {name: _words(figure) for name, figure in _figures().items()} == {
        "curve": ["loss", "epoch", "training", "validation", "best: epoch 2"],
        "rates": ["learning rate", "epoch"],
        "compared": ["loss, training", "epoch", "loss, validation", "epoch", "mine"],
        "confusion": ["5 of 6 test pictures right", "predicted class", "true class", "share of the true class"],
        "reliability": [
            "reliability", "share of right predictions", "probability of the predicted class", "examples",
            "as good as its word", "as it is: error 45.0%", "at temperature 0.50: error 45.0%",
        ],
        "roc": [
            "ROC curve", "false positive rate", "true positive rate (recall)", "mean of all classes: AUC 0.500",
            "cat: AUC 0.250",
        ],
        "precision_recall": [
            "precision and recall", "recall", "precision", "mean of all classes: AP 0.500", "cat: AP 0.250",
        ],
        "predicted": ["predicted against true", "true price", "predicted price", "right", "an example"],
        "residuals": ["residuals", "predicted price", "predicted less true", "examples"],
        "weights": ["weights of the linear model", "weight towards price"],
    }  # fmt: skip


def test_figures_of_the_report_are_japanese(japanese):
    assert {name: _words(figure) for name, figure in _figures().items()} == {
        "curve": ["損失", "エポック", "学習", "検証", "最良: エポック 2"],
        "rates": ["学習率", "エポック"],
        "compared": ["損失, 学習", "エポック", "損失, 検証", "エポック", "mine"],
        "confusion": ["test の画像 6 件のうち 5 件が正解", "予測したクラス", "正しいクラス", "正しいクラスの中の割合"],
        "reliability": [
            "信頼度", "正解の割合", "予測したクラスの確率", "例", "確率どおり", "そのまま: 誤差 45.0%",
            "温度 0.50: 誤差 45.0%",
        ],
        "roc": ["ROC 曲線", "偽陽性率", "真陽性率 (再現率)", "全クラスの平均: AUC 0.500", "cat: AUC 0.250"],
        "precision_recall": ["適合率と再現率", "再現率", "適合率", "全クラスの平均: AP 0.500", "cat: AP 0.250"],
        "predicted": ["予測と正解", "正しい price", "予測した price", "正解", "例"],
        "residuals": ["残差", "予測した price", "予測 − 正解", "例"],
        "weights": ["線形モデルの重み", "price に向かう重み"],
    }  # fmt: skip


def test_every_figure_has_the_fonts_and_no_words_of_its_own():
    """What makes a figure is `lettered`, and no string goes straight into a label, a title or a legend."""
    bare, plain = [], []
    for file in REPORTS.glob("*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
        is_lettered = {name for name, each in functions.items() if "lettered" in map(ast.unparse, each.decorator_list)}
        for name, function in functions.items():
            callers = {other for other, each in functions.items() if f" {name}(" in ast.unparse(each)} - {name}
            if "Figure(" in ast.unparse(function) and not (name in is_lettered or (callers and callers <= is_lettered)):
                bare.append(f"{file.name}: {name}")
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            given = [each.value for each in call.keywords if each.arg in ("xlabel", "ylabel", "title", "label")]
            if isinstance(call.func, ast.Attribute) and call.func.attr in ("set_title", "set_xlabel", "set_ylabel"):
                given += call.args[:1]
            plain += [f"{file.name}: {each.value}" for each in given if isinstance(each, ast.Constant) and each.value]
    assert (bare, plain) == ([], [])


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
