"""The command line in Japanese, in this process."""

import re
import sys

import pytest

from study_classification import main
from study_classification.language.translate import speak
from study_classification.reports.diagnosis import program
from study_classification.system.ending import exiting_on_user_errors

pytestmark = pytest.mark.filterwarnings("ignore:the load_module.. method is deprecated:DeprecationWarning")

ENGLISH = re.compile(r"\b[A-Za-z]+,? [a-z]{2,}\b")  # two words, of which the second is no name
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


@pytest.fixture
def trained(command, digits, cache, tmp_path):
    """A run of two epochs, trained while the language is spoken."""
    settings = {
        "data.source": digits,
        "data.cache_dir": cache,
        "model.name": "mlp",
        "model.hidden": "4",
        "total_epochs": 2,
        "batch_size": 30,
        "preprocess.image_size": 8,
        "augment.canvas_size": 0,
    }
    fields = [f"--config.{field}={value}" for field, value in settings.items()]
    assert command("train", "--config=quickstart", f"--workdir={tmp_path / 'run'}", *fields) == 0
    return tmp_path / "run"


def left_over(text, *names):
    """What of a text is English, but for names of the user's, fields and commands."""
    for name in (program(), *map(str, names)):
        text = text.replace(name, "…")
    return [line for line in text.splitlines() if ENGLISH.search(FIELDS.sub("…", line))]


def test_a_training_its_evaluation_and_prediction_say_no_english(japanese, trained, digits, command, capsys, tmp_path):
    assert command("evaluate", f"--workdir={trained}") == 0
    assert command("summary", f"--workdir={trained}") == 0
    (tmp_path / "note.png").write_text("no picture")
    assert command("predict", f"--workdir={trained}", digits / "0", tmp_path / "note.png") == 3
    shown = capsys.readouterr()
    assert "エポック 2/2  学習: loss" in shown.out
    assert "最良: エポック" in shown.out
    assert "混同行列" in shown.out
    assert "note.png  読めません: 画像ではなくテキストです" in re.sub(" {2,}", "  ", shown.out)
    assert left_over(shown.out + shown.err, trained, digits, tmp_path) == []
    assert "3 クラス" in (trained / "log.txt").read_text(encoding="utf-8")


def test_data_for_programs_are_the_same(trained, command, capsys, tmp_path):
    (tmp_path / "note.png").write_text("no picture")
    for form in ("csv", "json", "jsonl"):
        printed = []
        for spoken in ("en", "ja"):
            speak(spoken)
            capsys.readouterr()
            assert command("predict", f"--workdir={trained}", f"--format={form}", tmp_path / "note.png") == 3
            speak("en")
            printed.append(capsys.readouterr().out)
        assert "it is text, not a picture" in printed[0]
        assert printed[0] == printed[1]


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        ([], 2, "エラー: train には次が必要です: --config=FILE.py (例: --config=configs/quickstart.py)、--workdir=DIR"),
        (["trian"], 2, "エラー: 'trian' という動詞はありません: もしかして train ですか?"),
        (["evaluate", "--workdir=nowhere"], 4, "エラー: 実行ディレクトリ nowhere がありません。"),
        (["--config=quickstart", "--config.batch_size=2.5"], 2, "エラー: batch_size は '2.5' ですが、整数でなければ"),
        (["--config=quickstart", "--config.model.hidden=a"], 2, "エラー: model.hidden は a ですが、整数 (例: "),
        (["predict", "--workdir=x", "--top_k=0"], 2, "エラー: --top_k=0: 0 は正の整数ではありません"),
        (["predict", "--workdir=x", "--top_k=a"], 2, "エラー: --top_k=a: 'a' は整数ではありません"),
        (["predict", "--workdir=x", "--threshold=a"], 2, "エラー: --threshold=a: 'a' は数値ではありません"),
        (["predict", "--workdir=x", "--threshold=2"], 2, "エラー: --threshold=2: 2.0 は 0.0 から 1.0 の数値ではありません"),
        (["predict", "--workdir=x", "--tta=a"], 2, "エラー: --tta=a: <none|flip> のいずれかでなければなりません"),
        (["prepare", "--config=quickstart", "--config.data.source=nowhere"], 3, "エラー: データ元 'nowhere' がありません。"),
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
