"""One of several processes that run the same command lines one after the other: `process_worker.py JOBS OUT`.

JOBS is a JSON list of command lines; OUT/INDEX.json gets, for each of them, its exit code, what it said, and how many
images of each split were read.
"""

import collections
import contextlib
import io
import json
import sys
from pathlib import Path

from study_classification.data import batches
from study_classification.errors import UserError
from study_classification.main import main
from study_classification.system import hosts, lifeline


def run(arguments, reads):
    reads.clear()
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main(["study-classification", *arguments])
        except UserError as error:
            code = error.exit_code
            err.write(str(error))
    return {"code": code, "out": out.getvalue(), "err": err.getvalue(), "reads": dict(reads)}


def work(jobs, out):
    reads, read = collections.Counter(), batches.read

    def counted(split, index, view):
        reads[split.key.rpartition("-")[2]] += 1
        return read(split, index, view)

    batches.read = counted
    found = [run(arguments, reads) for arguments in jobs]
    (out / f"{hosts.index()}.json").write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    work(json.loads(sys.argv[1]), Path(sys.argv[2]))
    lifeline.end(0)
