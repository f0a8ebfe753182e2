from study_classification.reports.lettering import drawable


def test_signs_that_the_font_lacks_are_written_by_their_numbers():
    assert drawable("Größe, μ") == "Größe, μ"
    assert drawable("猫 cat") == "\\u732b cat"
    assert drawable("5 $ a $ day") == r"5 \$ a \$ day"  # no formula
    assert drawable("a" * 30) == "a" * 21 + "..." and drawable("a" * 30, 30) == "a" * 30
