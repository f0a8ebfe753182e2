from study_classification.system.files import write_json


def test_json_can_be_read_by_a_person(tmp_path):
    write_json(tmp_path / "classes.json", ["猫", "dog"])
    assert (tmp_path / "classes.json").read_text(encoding="utf-8") == '[\n  "猫",\n  "dog"\n]\n'
    write_json(tmp_path / "classes.json", [])
    assert [file.name for file in tmp_path.iterdir()] == ["classes.json"]
    assert (tmp_path / "classes.json").read_text() == "[]\n"
