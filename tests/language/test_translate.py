import pytest

from study_classification.language import translate
from study_classification.language.translate import Catalogue, catalogue, translated

SMALL = Catalogue(
    {
        "error: {}": "エラー: {0}",
        "{} cannot be read: {}": "{0} を読めません: {1}",
        "{} holds {} of {}": "{2} のうち {1} が {0} にあります",
        "{} of {} rows": "{1:number} 行中 {0:number} 行",
        "it is {}, not a file": "ファイルではなく{0}です",
        "a folder": "フォルダ",
        "dog": "いぬいぬ",
        "write {NAME: {VALUE}} for {}": "{0} には {{NAME: {{VALUE}}}} と書きます",
        "{} is {}, not a {}": "{0:name} は {1} ですが、型は {2:name} です",
        "give {}": "{0:list} を指定してください",
        "add {}": "{0:word}を増やしてください",
        "  class{}  recall  {}": "  クラス{0} 再現率  {1:>8}",
        "first:\n{}\nlast": "始め:\n{0}\n終わり",
        "{} failed": "失敗: {0}",
        "{} has failed": "失敗した: {0}",
        "step {}": "ステップ {0}",
    },
    {"pictures": "画像", "rows": "行"},
)


@pytest.mark.parametrize(
    ("english", "japanese"),
    [
        ("a folder", "フォルダ"),
        ("no entry for this", "no entry for this"),
        (
            "error: x.png cannot be read: it is a folder, not a file",
            "エラー: x.png を読めません: ファイルではなくフォルダです",
        ),
        ("error: x has failed", "エラー: 失敗した: x"),  # the label first, though the other sentence is longer
        ("a.csv holds 3 of 5 rows", "5 rows のうち 3 が a.csv にあります"),
        ("3 of 5 rows", "5 行中 3 行"),
        ("cats of dogs rows", "cats of dogs rows"),
        ("{0} {x} cannot be read: {}", "{0} {x} を読めません: {}"),
        ("write {NAME: {VALUE}} for X", "X には {NAME: {VALUE}} と書きます"),
        ("give a, b and c", "a、b、c を指定してください"),
        ("give a folder, or x, y", "フォルダ、x, y を指定してください"),
        ("give a and b; a folder", "a、b を指定してください; フォルダ"),
        ("add pictures", "画像を増やしてください"),
        ("add dogs", "add dogs"),
        ("pictures cannot be read: rows", "pictures を読めません: rows"),
        ("error: x cannot be read: one\ntwo", "エラー: x を読めません: one\ntwo"),
        ("x\ny failed", "x\n失敗: y"),
        ("first:\n1\na folder\nlast", "始め:\n1\nフォルダ\n終わり"),
        ("step 1; a folder; z", "ステップ 1; フォルダ; z"),
        ("seed is 1.5, not a int", "seed は 1.5 ですが、型は int です"),
        ("my seed is 1.5, not a int", "my seed is 1.5, not a int"),
        ("  3 of 4 rows", "  4 行中 3 行"),
        ("  x.png failed", "  失敗: x.png"),
        ("q.csv: a folder", "q.csv: フォルダ"),
        ("(a folder)", "(フォルダ)"),
        ("dog  x", "いぬいぬ x"),  # wider than its column, and still apart from the next one
        ("  --flag    a folder  x", "  --flag    フォルダ  x"),
        ("a folder  x\n2.5  a folder", "フォルダ  x\n2.5  フォルダ"),
        ("  class    recall  pictures", "  クラス   再現率      画像"),
    ],
)
def test_a_text_is_translated_as_far_as_it_is_known(english, japanese):
    assert SMALL.translate(english) == japanese


def test_names_of_the_user_stay():
    ja = catalogue("ja").translate
    assert ja("Reading 5 pictures of pictures for the first time ...") == "pictures の画像 5 枚を初めて読み込みます ..."
    assert ja("  pictures       30   50.0%") == "  pictures       30   50.0%"
    assert ja("error: image 3.png cannot be read: it is empty; remove it from the data set") == (
        "エラー: image 3.png を読めません: 空です。データセットから取り除いてください"
    )


def test_a_name_that_may_hold_a_comma_ends_where_it_should():
    ends = "\n".join(
        (
            "  train with its settings    sc --config=a.py --workdir=DIR",
            "  The study has not opened the test split. Open it once, for the best:",
            "                             sc evaluate --workdir=a",
        )
    )
    said = catalogue("ja").translate(f"Best: 'a, b', a mean of 3 runs, val_loss 0.5\n{ends}")
    assert said.partition("\n")[0] == "最良: 'a, b' (3 回の実行の平均)、val_loss 0.5"


def test_a_table_keeps_its_columns():
    lines = ("  class        precision  recall      F1  pictures", "  犬              0.5000  1.0000  0.6667         2")
    widths = {translate._width(catalogue("ja").translate(line)) for line in lines}
    assert widths == {translate._width(line) for line in lines} == {50}


def test_english_is_not_looked_up(monkeypatch):
    monkeypatch.setattr(translate, "catalogue", lambda language: pytest.fail("a catalogue was read"))
    assert translated("a folder") == "a folder"
