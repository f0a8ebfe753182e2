from study_classification.reports.tables import Table


def test_a_table_in_a_terminal_and_in_markdown():
    table = Table("Some", ["run", "p"], [["a|b", "0.5"]], "A note.")
    assert table.as_text() == "Some:\n  run    p\n  a|b  0.5\n  A note."
    assert table.as_markdown() == "## Some\n\n| run | p |\n| --- | ---: |\n| a\\|b | 0.5 |\n\nA note.\n"


def test_without_rows_the_note_stands_alone():
    table = Table("Some", ["run"], [], "None differ.")
    assert table.as_text() == "Some:\n  None differ."
    assert table.as_markdown() == "## Some\n\nNone differ.\n"
