"""The command line in Japanese, in this process."""

import re
import sys

import pytest

import study_classification
from study_classification import main
from study_classification.language.translate import speak
from study_classification.reports.next_steps import program
from study_classification.system.console import say
from study_classification.system.ending import exiting_on_user_errors

pytestmark = pytest.mark.filterwarnings("ignore:the load_module.. method is deprecated:DeprecationWarning")

ENGLISH = re.compile(r"\b[A-Za-z]{2,},? [a-z]{2,}\b")  # two words, of which the second is no name
FIELDS = re.compile(r"\b(loss|accuracy|train|validation|test|layer|type|output|parameters|MFLOPs|trainable)\b")


@pytest.fixture
def japanese():
    speak("ja")
    yield
    speak("en")


@pytest.fixture
def command(monkeypatch):
    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["study-classification", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended, exiting_on_user_errors():
            sys.exit(main.main(sys.argv))
        return ended.value.code

    return run


def left_over(text, *names):
    """What of a text is English, but for names of the user's, fields and commands."""
    for name in (program(), *map(str, names)):
        text = text.replace(name, "…")
    return [line for line in text.splitlines() if ENGLISH.search(FIELDS.sub("…", line))]


def test_a_training_its_evaluation_and_prediction_say_no_english(japanese, digits, cache, command, capsys, tmp_path):
    workdir, note = tmp_path / "run", tmp_path / "note.png"
    settings = {
        "data.source": digits,
        "data.cache_dir": cache / "japanese",  # so that it says that it reads them
        "model.name": "mlp",
        "model.hidden": "4",
        "total_epochs": 2,
        "batch_size": 30,
        "preprocess.image_size": 8,
    }
    fields = [f"--config.{field}={value}" for field, value in settings.items()]
    note.write_text("no picture")
    assert command("train", "--config=quickstart", f"--workdir={workdir}", *fields) == 0
    assert command("evaluate", f"--workdir={workdir}") == 0
    assert command("summary", f"--workdir={workdir}") == 0
    assert command("predict", f"--workdir={workdir}", digits / "0", note) == 3
    shown = capsys.readouterr()
    assert "の画像 90 枚を初めて読み込みます ..." in shown.out
    assert "エポック 2/2  学習: loss" in shown.out
    assert "最良: エポック" in shown.out
    assert "混同行列" in shown.out
    assert re.search(r"note.png +読めません: 画像ではなくテキストです\n", shown.out)
    assert left_over(shown.out + shown.err, workdir, digits, tmp_path) == []
    assert "エポック 2/2  学習: loss" in (workdir / "log.txt").read_text(encoding="utf-8")
    assert "loss" in (workdir / "history.csv").read_text(encoding="utf-8").partition("\n")[0]


@pytest.mark.parametrize("form", ["csv", "json", "jsonl"])
def test_data_for_programs_are_english(japanese, run, command, capsys, tmp_path, form):
    note = tmp_path / "note.png"
    note.write_text("no picture")
    assert command("predict", f"--workdir={run.workdir}", f"--format={form}", note) == 3
    assert "it is text, not a picture" in capsys.readouterr().out


def test_python_speaks_english_whatever_the_locale(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("LC_ALL", "ja_JP.UTF-8")
    with pytest.raises(study_classification.UserError, match="is not a run directory: it has no"):
        study_classification.load(tmp_path)
    say("3 of 4 words unknown")
    assert capsys.readouterr().out == "3 of 4 words unknown\n"


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        ([], 2, "エラー: train には次が必要です: --config=FILE.py (例: --config=configs/quickstart.py)、--workdir=DIR"),
        (["trian"], 2, "エラー: 'trian' という動詞はありません: もしかして train ですか?"),
        (["evaluate", "--workdir=nowhere"], 4, "エラー: 実行ディレクトリ nowhere がありません。"),
        (["--config=quickstart", "--config.batch_size=2.5"], 2, "エラー: batch_size は '2.5' ですが、整数でなければ"),
        (["--config=quickstart", "--config.model.hidden=a"], 2, "エラー: model.hidden は a ですが、整数 (例: "),
        (["predict", "--workdir=x", "--top_k=0"], 2, "エラー: --top_k は '0' ですが、1 以上の整数でなければなりません"),
        (["--config=quickstart:epochs=0"], 2, "エラー: コンフィグの引数 epochs が 0 です。"),
        (["--config=quickstart:epochs=a"], 2, "エラー: コンフィグの引数 epochs は 'a' ですが、数値でなければ"),
        (["compare", "--study=x"], 2, "エラー: compare に --study というフラグはありません: これは tune のものです"),
        (["check", "a", "--lang=ja", "--lang=ja"], 2, "エラー: --lang が 2 回指定されています。"),
        (
            ["predict", "--workdir=x", "--threshold=2"],
            2,
            "エラー: --threshold は '2' ですが、0 から 1 までの数値でなければなりません",
        ),
        (
            ["predict", "--workdir=x", "--tta=a"],
            2,
            "エラー: --tta は 'a' ですが、none、flip のいずれかでなければなりません",
        ),
        (
            ["prepare", "--config=quickstart", "--config.data.source=nowhere"],
            3,
            "エラー: データ元 'nowhere' がありません。",
        ),
    ],
)
def test_an_error_is_a_japanese_sentence_with_the_same_exit_code(japanese, command, capsys, arguments, code, sentence):
    assert command(*arguments) == code
    shown = capsys.readouterr().err
    assert shown.startswith(sentence)
    assert left_over(shown) == []


def test_the_help_is_japanese(japanese, command, capsys):
    for arguments in (["--help"], *(["--help", verb] for verb in ("train", "predict", "prepare", "tune", "lr_find"))):
        assert command(*arguments) == 0
    shown = capsys.readouterr().out
    assert "  --lang           表示の言語 (en または ja)。省略するとロケールに従う" in shown
    assert left_over(shown) == []
