"""scripts/tpu: docs/cloud_tpu.md says what each script calls, and a gcloud that only answers is called."""

import os
import re
import shlex
import shutil
import subprocess
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TPU = ROOT / "scripts/tpu"
PAGE = (ROOT / "docs/cloud_tpu.md").read_text(encoding="utf-8")
# A block of shell with a script, and behind it the block of what the script calls.
SHOWN = re.findall(r"^```sh\n(scripts/tpu/.*?)^```\n.*?^```text\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
SPOT = (
    "--name=flowers", "--zone=us-west4-a", "--type=v5litepod-32", "--version=v2-alpha-tpuv5-lite", "--every=0",
    "--", "train", "--workdir=gs://bucket/my run's",
)  # fmt: skip
# Writes down what it is called with. `answers/list` and the like hold the lines that it says, one a call, from which it
# takes the first; the line `fails` makes it fail.
GCLOUD = r"""#!/usr/bin/env bash
printf '%s\0' "$(basename "$0")" "$@" >> "$CALLS/calls"; printf '\n' >> "$CALLS/calls"
for word in list create delete watch outcome start; do
  case " $* " in *[\ =]"$word "* | *"worker.sh $word"*)
    file=$CALLS/$word
    [ -s "$file" ] || exit 0
    line=$(head -n 1 "$file"); sed -i 1d "$file"
    [ "$line" != fails ] || exit 1
    printf '%b' "$line"
    exit 0
  esac
done
"""


def commands(text):
    return [shlex.split(line) for line in text.replace("\\\n", " ").splitlines() if line and line[0] != "#"]


@pytest.mark.parametrize(("script", "calls"), SHOWN, ids=[script.split()[0] for script, _ in SHOWN])
def test_the_page_shows_what_a_script_calls(script, calls):
    printed = ""
    for program, *arguments in commands(script):
        done = subprocess.run([program, "--dry-run", *arguments], cwd=ROOT, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")
        printed += done.stdout
    assert commands(printed) == commands(calls)


def test_the_page_shows_every_script():
    shown = {Path(line[0]).name for script, _ in SHOWN for line in commands(script)}
    assert shown == {path.name for path in TPU.glob("*.sh")} - {"options.sh", "worker.sh"}


class Cloud:
    """A cloud that answers as it is told: `answers` are the lines said by each kind of call, in their order."""

    def __init__(self, folder):
        self.folder = folder
        for name in ("gcloud", "python3"):
            (folder / name).write_text(GCLOUD)
            (folder / name).chmod(0o755)

    def run(self, script, *arguments, **answers):
        for word, lines in answers.items():
            (self.folder / word).write_text("".join(f"{line}\n" for line in lines))
        environment = os.environ | {"PATH": f"{self.folder}:{os.environ['PATH']}", "CALLS": str(self.folder)}
        return subprocess.run(
            [TPU / script, *arguments], env=environment, cwd=self.folder, capture_output=True, text=True, timeout=120
        )

    @property
    def calls(self):
        return [line.split("\0")[:-1] for line in (self.folder / "calls").read_text().splitlines()]

    def kinds(self):
        """The calls in a word each, less those of the set-up."""
        words = []
        for call in self.calls:
            if "worker.sh" in call[-1]:
                words.append(call[-1].split()[2])
            elif call[3] == "queued-resources":
                words.append(call[4])
        return " ".join(words)


@pytest.fixture
def cloud(tmp_path):
    return Cloud(tmp_path)


def test_arguments_with_blanks_and_quotes_arrive_whole(cloud):
    place = ("--name=flowers", "--zone=us-west4-a", "--project=my project")
    arguments = [
        "train",
        "--config=configs/photos.py:data=gs://b/it's a set",
        "--workdir=gs://b/a  b",
        "",
        "$HOME `id`",
    ]
    assert cloud.run("run.sh", *place, "--", *arguments).returncode == 0
    ((*call, command),) = cloud.calls
    assert call == ["gcloud", "compute", "tpus", "tpu-vm", "ssh", "flowers", *place[1:], "--worker=all"]
    echoed = subprocess.run(
        ["bash", "-c", command.removeprefix("--command=").replace("bash worker.sh start", "printf '%s\\n'")],
        capture_output=True,
        text=True,
    )
    assert echoed.stdout.splitlines() == arguments
    dry = cloud.run("run.sh", "--dry-run", *place, "--", *arguments)
    assert shlex.split(dry.stdout) == [*call, command]
    assert len(cloud.calls) == 1


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("create.sh --name=a --zone=b --type=c", "--version=... is missing"),
        ("state.sh --name=a", "--zone=... is missing"),
        ("setup.sh --name=a --zone", "--zone needs a value"),
        ("run.sh --name=a --zone=b", "nothing to run"),
        ("run.sh --name=a --zone=b train", "train is no option"),
        ("watch.sh --name=a --zone=b --wroker=0", "there is no option --wroker"),
        ("fetch.sh --name=a --zone=b --from=c", "--to=... is missing"),
        ("delete.sh --name=a --zone=b --queued=1", "--queued takes no value"),
        (
            "keep_running.sh --name=a --zone=b --type=c --version=d -- train --workdir=runs/x",
            "a spot TPU takes its disk",
        ),
    ],
)
def test_a_mistake_is_one_sentence(cloud, line, sentence):
    done = cloud.run(*line.split())
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert sentence in done.stderr
    assert not (cloud.folder / "calls").exists()


def test_the_exit_code_of_gcloud_is_that_of_the_script(cloud):
    (cloud.folder / "gcloud").write_text("#!/bin/sh\nexit 143\n")
    assert cloud.run("watch.sh", "--name=a", "--zone=b").returncode == 143
    assert cloud.run("create.sh", "--name=a", "--zone=b", "--type=c", "--version=d").returncode == 143
    assert cloud.run("fetch.sh", "--name=a", "--zone=b", "--from=gs://c", "--to=d").returncode == 143


def test_a_spot_tpu_that_is_taken_away_is_replaced(cloud):
    done = cloud.run(
        "keep_running.sh",
        *SPOT,
        list=["", "", "PROVISIONING", "ACTIVE", "SUSPENDING", "SUSPENDED", "", "ACTIVE"],
        watch=["fails", "step 8\\n"],
        outcome=["fails", "0\\n0\\n"],
    )
    assert done.returncode == 0, done.stderr
    assert cloud.kinds() == (
        "list list create list list start watch outcome list list delete list create list start watch outcome delete"
    )
    started = [call[-1] for call in cloud.calls if "worker.sh start" in call[-1]]
    assert len(started) == 2 and started[0] == started[1]
    created = [call for call in cloud.calls if "create" in call]
    assert all("--spot" in call and "--node-id=flowers" in call for call in created)
    assert "flowers was taken away" in done.stderr and "step 8" in done.stdout


@pytest.mark.parametrize(("codes", "expected"), [("2\\n2\\n", 2), ("134\\n6\\nnone\\n", 6), ("0\\n4\\n", 4)])
def test_a_mistake_that_no_repetition_mends_ends_it(cloud, codes, expected):
    done = cloud.run("keep_running.sh", *SPOT, list=["ACTIVE"] * 2, outcome=[codes])
    assert done.returncode == expected
    assert cloud.kinds() == "list list start watch outcome log delete"


def test_a_stopped_command_is_started_again_on_the_same_tpu(cloud):
    done = cloud.run("keep_running.sh", *SPOT, list=["ACTIVE"] * 3, outcome=["143\\n143\\n", "0\\n0\\n"])
    assert done.returncode == 0
    assert cloud.kinds() == "list list start watch outcome list start watch outcome delete"


@pytest.mark.parametrize(
    "answers",
    [
        {"list": [""] * 9, "create": ["fails"] * 9},
        {"list": ["ACTIVE"] * 9, "outcome": ["1\\n0\\n"] * 9},
        {"list": ["FAILED"] * 9},
    ],
)
def test_it_gives_up_where_nothing_helps(cloud, answers):
    done = cloud.run("keep_running.sh", *SPOT, **answers)
    assert done.returncode == 5
    assert "(failure 5 of 5)" in done.stderr and "giving up" in done.stderr


def test_no_account_or_no_right_is_said_at_once(cloud):
    assert cloud.run("keep_running.sh", *SPOT, list=["fails"]).returncode == 5
    assert cloud.kinds() == "list"


def test_a_state_that_is_not_known_for_a_moment_is_asked_again(cloud):
    done = cloud.run("keep_running.sh", *SPOT, list=["ACTIVE", "fails", "ACTIVE"], outcome=["0\\n"])
    assert done.returncode == 0 and "is unknown" in done.stderr


@pytest.fixture
def worker(tmp_path):
    """worker.sh in a home directory with a program that says its arguments and runs until there is the file `end`."""
    shutil.copy(TPU / "worker.sh", tmp_path)
    program = tmp_path / "env/bin/study-classification"
    program.parent.mkdir(parents=True)
    program.write_text(
        "#!/usr/bin/env bash\ntrap 'echo saved; exit 143' TERM\necho $$ > pid\nprintf '<%s>\\n' \"$@\"\n"
        'until [ -e end ]; do sleep 0.05; done\nexit "$(cat end)"\n'
    )
    program.chmod(0o755)

    def run(*arguments):
        return subprocess.run(
            ["bash", "worker.sh", *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=60
        )

    yield run
    (tmp_path / "end").write_text("0")


def wait_for(path):
    while not path.exists() or not path.read_text():
        time.sleep(0.01)


def test_a_worker_runs_on_and_keeps_the_exit_code(worker, tmp_path):
    assert worker("outcome").stdout == "none\n"
    assert worker("start", "train", "a  b's").returncode == 0
    wait_for(tmp_path / "pid")
    assert worker("outcome").stdout == "running\n"
    second = worker("start", "evaluate")
    assert second.returncode == 5 and "a run is going on here" in second.stderr
    (tmp_path / "end").write_text("6")
    watched = worker("watch")
    assert (watched.returncode, watched.stdout) == (6, "<train>\n<a  b's>\n")
    assert worker("outcome").stdout == "6\n"
    assert worker("log").stdout.splitlines()[0].endswith(": <train>")


def test_sigterm_to_all_processes_of_a_worker_leaves_the_exit_code_of_the_program(worker, tmp_path):
    worker("start", "train")
    wait_for(tmp_path / "pid")
    for file in ("run.pid", "pid"):
        os.kill(int((tmp_path / file).read_text()), 15)
    assert worker("watch").returncode == 143
    assert worker("outcome").stdout == "143\n"
    (tmp_path / "end").write_text("0")
    assert worker("start", "train").returncode == 0  # and the same command goes on
    assert worker("watch").returncode == 0
