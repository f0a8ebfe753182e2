"""Resolves the dependencies of setup.cfg for each Python and machine, and prints a table; nothing is installed.

.venv/bin/python scripts/resolve_platforms.py [EXTRA]

Only wheels count, for without a wheel an installation would have to compile. Pure Python packages are built here first.
pip evaluates markers for this system, so dependencies of other systems only are not seen.
"""

import configparser
import json
import re
import subprocess
import sys
import tempfile

from environment import ROOT, VERSIONS

PURE = ("promise",)  # published as source alone
LINUX = [f"manylinux_2_{minor}" for minor in range(35, 16, -1)] + ["manylinux2014", "manylinux1"]
MACHINES = {
    "Linux x86-64": [f"{name}_x86_64" for name in LINUX],
    "Linux aarch64": [f"{name}_aarch64" for name in LINUX],
    "macOS arm64": [f"macosx_{major}_0_{arch}" for major in range(15, 10, -1) for arch in ("arm64", "universal2")],
    "Windows": ["win_amd64"],
}


def main() -> None:
    requirements = read_requirements(sys.argv[1:])
    print(f"| | {' | '.join(MACHINES)} |\n|---|{'---|' * len(MACHINES)}", flush=True)
    with tempfile.TemporaryDirectory() as wheels:
        pip("wheel", "--no-deps", "--wheel-dir", wheels, *PURE).check_returncode()
        for version in reversed(VERSIONS):
            name = "{}.{}".format(*version)
            cells = [resolve(requirements, name, platforms, wheels) for platforms in MACHINES.values()]
            print(f"| Python {name} | {' | '.join(cells)} |", flush=True)


def read_requirements(extras: list[str]) -> list[str]:
    """The requirements in setup.cfg, with these extras."""
    settings = configparser.ConfigParser(inline_comment_prefixes="#")
    settings.read(ROOT / "setup.cfg", encoding="utf-8")
    wanted = [settings["options"]["install_requires"]]
    wanted += [settings["options.extras_require"][extra] for extra in extras]
    return [line.strip() for text in wanted for line in text.splitlines() if line.strip()]


def pip(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "pip", *arguments, "--quiet"], capture_output=True, text=True)


def resolve(requirements: list[str], version: str, platforms: list[str], wheels: str) -> str:
    """'ok' with the number of packages, or what is missing."""
    with tempfile.TemporaryDirectory() as folder:
        report = f"{folder}/report.json"
        options = ["--dry-run", "--ignore-installed", "--only-binary=:all:", f"--find-links={wheels}"]
        options += [f"--target={folder}", f"--python-version={version}", f"--report={report}"]
        options += [f"--platform={platform}" for platform in platforms]
        done = pip("install", *options, *requirements)
        if done.returncode:
            missing = re.findall(r"No matching distribution found for (\S+)", done.stderr)
            return f"missing: {', '.join(missing)}" if missing else done.stderr.strip().splitlines()[-1]
        with open(report, encoding="utf-8") as file:
            found = json.load(file)["install"]
    return f"ok, {len(found)} packages"


if __name__ == "__main__":
    main()
