"""The command line: one file a verb, and `VERBS`, the table of them. Nothing heavy is imported before a verb runs.

verb.py       what a verb is, and the flags that several verbs share
train.py      makes a run, or resumes one
evaluate.py   measures a run
report.py     writes the page of a run
predict.py    classifies images
summary.py    describes a network
lr_find.py    finds a learning rate
prepare.py    reads and checks data
check.py      shows what is in a folder of images, before any training
preview.py    shows what augmentation makes of images
explain.py    shows what happens inside a network
tune.py       searches for values of fields, or compares them
compare.py    shows finished runs side by side
arguments.py  what was typed -> flags with their values, and inputs
flags.py      flags of a verb -> values and config; refuses what the verb does not take
synonyms.py   what other programs call things -> what they are called here
help.py       what --help says
"""

from study_classification.commands import (
    check,
    compare,
    evaluate,
    explain,
    lr_find,
    predict,
    prepare,
    preview,
    report,
    summary,
    train,
    tune,
)
from study_classification.commands.verb import Verb

VERBS: dict[str, Verb] = {
    command.VERB.name: command.VERB
    for command in (train, evaluate, report, predict, explain, compare, tune, summary, lr_find, check, prepare, preview)
}
