import pytest

from study_classification.commands import VERBS
from study_classification.commands.help import program_help, verb_help
from study_classification.errors import ConfigError, DataError, DivergedError, EnvironmentFault, RunError


def test_the_program_lists_its_verbs_and_exit_codes():
    text = program_help(VERBS)
    for verb in VERBS.values():
        assert f"\n  {verb.name:9} {verb.help}\n" in text
    for code in (0, 1, 2, 3, 4, 5, 6, 7, 130, 143):
        assert f"  {code} " in text
    for error, what in ((ConfigError, "flags or config"), (DataError, "data"), (RunError, "run directory")):
        assert f"  {error('').exit_code} {what} " in f"{text} "
    for error, what in ((EnvironmentFault, "the machine"), (DivergedError, "the loss diverged")):
        assert f"  {error('').exit_code} {what}" in text
    assert len(text.splitlines()) <= 24
    assert max(map(len, text.splitlines())) <= 120


@pytest.mark.parametrize("verb", VERBS.values(), ids=lambda verb: verb.name)
def test_a_verb_lists_its_flags_and_no_others(verb):
    lines = verb_help(verb).partition("Flags:\n")[2].splitlines()
    listed = [line.split()[0] for line in lines]
    own = [f"--{flag.name}" for flag in verb.flags]
    assert [name for name in listed if name != "--config.FIELD"] == own
    assert ("--config.FIELD" in listed) == ("--config" in own)
    assert max(map(len, lines)) <= 120
    texts = [flag.help for flag in verb.flags]
    assert {line.index(text) for line in lines for text in texts if text in line} == {4 + max(map(len, listed))}


def test_only_a_default_that_there_is_is_shown():
    lines = verb_help(VERBS["predict"]).splitlines()
    shown = {line.split()[0]: line.partition("(default: ")[2].removesuffix(")") for line in lines if line[:4] == "  --"}
    assert shown == {
        "--workdir": "",
        "--checkpoint": "best",
        "--tta": "none",
        "--format": "table",
        "--top_k": "1",
        "--threshold": "",
        "--calibrated": "",
        "--shard": "0/1",
        "--coordinator": "",
        "--num_processes": "",
        "--process_id": "",
        "--lang": "",
    }
    assert "default: )" not in "".join(lines)
