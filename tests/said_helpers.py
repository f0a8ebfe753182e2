"""What the program can say, read off its source: every string of more than a word, but for what is named here."""

import ast
import re
from collections import defaultdict
from pathlib import Path

from jinja2.ext import extract_from_ast
from jinja2.nodes import TemplateData

from study_classification.pages.page import environment

PACKAGE = Path(__file__).resolve().parents[1] / "study_classification"
TYPES = ("Float", "Int", "Bool", "UInt8", "Shaped", "Num")  # of jaxtyping, whose shapes are strings
# What is not said, or is the same in every language.
NOT_SAID = {
    "IProgress not found",  # of warnings of other packages
    "coroutine '.*' was never awaited",
    "failed to map segment from shared object",
    "Error writing persistent compilation cache",
    "Error reading persistent compilation cache entry for '(\\w+)'",
    # commands as they are typed, names of fields and files, units
    "--workdir=DIR [--split=SPLIT] [--data=SOURCE] [--tta=flip] [--worst=N]",
    "--workdir=DIR [--split=test] [--explain]",
    "--workdir=DIR [--method=METHOD | --layers | --neighbours] [PICTURE|FOLDER ...] | --embeddings | --suspects",
    "--config=configs/X.py[:key=value,...] [--out=DIR] [--config.FIELD=VALUE ...]",
    "<br />",
    "--config=configs/X.py[:key=value,...] [--workdir=DIR] [--steps=N] [--config.FIELD=VALUE ...]",
    "--workdir=DIR [--format=csv] [--top_k=N] PICTURE|FOLDER|PATTERN|- ...",
    "--config=configs/X.py[:key=value,...] [--config.FIELD=VALUE ...] | --prune [--older_than=DAYS]",
    "--config=configs/X.py[:key=value,...] [--config.FIELD=VALUE ...] | --workdir=DIR",
    "--config=configs/X.py[:key=value,...] [--workdir=DIR] [--config.FIELD=VALUE ...]",
    "--config=configs/X.py[:key=value,...] --study=DIR [--trials=N] [--sweep] [--config.FIELD=VALUE ...]",
    "{} -m study_classification.main",
    "{} evaluate --workdir={}",
    "{} predict --workdir={} {}",
    "{} of {}",  # a key of report.json, and its like
    ", tta={}",
    "[--out=DIR] FOLDER|MANIFEST",
    "[--out=DIR] RUN|FOLDER|PATTERN ...",
    "EXIF {}",
    "{} (of {})",
    "{}, seed {}: {}",
    "[-_. ]?seed[-_=]?\\d+$",
    "given {}",  # what groups of images are told apart by
    "named {}",
    "{}, checkpoint={}",
    "{} MB",
    "{} GB",
    "{} MB  {}  ({})",
    "{} x {}",
    "{} x {} {}",
    "partly frozen",  # heads and cells of tables that are files as well
    "standard deviation",
    ", and ",  # what {0:list} looks for
    ", or ",
    # contents of files
    "# {}\n\n{}\n\n![{}](compare.png)\n\n{}",
    "best epoch",
    "only the first right",
    "only the second right",
    "true class",
    "predicted class",
    "The best of the study {}: {}, {} {}.",
    '"""{}\n\nThe config of the study: {}\n"""',
    "from ml_collections import ConfigDict",
    "from study_classification.configs import default",
    "def get_config() -> ConfigDict:",
    "    config = default.get_config()",
    "    config.{} = {}",
    "    # Chosen by the study:",
    "    return config",
    "%Y-%m-%d %H:%M:%S",
    # figures
    "outside lower center",
    "DejaVu Sans",
    "two classes",
    # what only a program or its author sees
    "module 'study_classification' has no attribute '{}'",
    "Predictor({}: {}, {}, step {})",
    "{} of {} examples were evaluated",
    "Error whilst parsing config file",
    "(did you mean |valid are: |, )",
    "valid are",
    "system volume information",
    "head {} ",
    "\nimport sys, h5py\n\ndef read(name, item):\n    dict(item.attrs)\n    if isinstance(item, h5py.Dataset):\n"
    '        item[()]\n\nwith h5py.File(sys.argv[1]) as file:\n    read("", file)\n    file.visititems(read)\n',
}
FIELD = re.compile(r"\{[A-Za-z_.0-9]*\}")  # in a plain string, what str.format or synonyms.py fills


def templates():
    """Template -> files that have it, of all strings of the package; {} stands for each inserted value."""
    found = defaultdict(set)
    for file in sorted(set(PACKAGE.rglob("*.py")) - set((PACKAGE / "language").iterdir())):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        skipped = set(_skipped(tree))
        for node in ast.walk(tree):
            if id(node) not in skipped and (text := _template(node)) is not None:
                found[text].add(str(file.relative_to(PACKAGE)))
    return found


def page_sentences():
    """What the templates of pages say: the first argument of each `_`, with {} for each inserted value."""
    said = set()
    for name in environment().list_templates(extensions=["html"]):
        tree = environment().parse(environment().loader.get_source(environment(), name)[0])
        for _, _, arguments in extract_from_ast(tree, ["_"]):
            first = arguments if isinstance(arguments, str) else (arguments or [None])[0]
            if first is not None:  # else Python made the sentence, and it is among its templates
                said.add(first)
    return said


def figure_sentences():
    """What figures say: the first argument of each `wording`, with {} for each inserted value."""
    said = set()
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "wording":
                said |= {each.value for each in node.args[:1] if isinstance(each, ast.Constant)}  # else templates
    return said


def page_letters():
    """Template -> its words that stand outside of `_` and of tags and styles, so that no language can change them."""
    found = {}
    for name in environment().list_templates(extensions=["html"]):
        tree = environment().parse(environment().loader.get_source(environment(), name)[0])
        text = "".join(node.data for node in tree.find_all(TemplateData))
        found[name] = re.findall(
            r"[A-Za-z]+", re.sub(r"(?s)<style>.*?</style>|<code>.*?</code>|<[^<>]*>|<[^<>]*$|&\w+;", "", text)
        )
    return found


def _skipped(tree):
    """Docstrings, annotations, and what belongs to an f-string, which is looked at as a whole."""
    for node in ast.walk(tree):
        inside = []
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            inside = [node.value]
        elif isinstance(node, ast.FunctionDef):
            inside = [node.returns]
        elif isinstance(node, (ast.arg, ast.AnnAssign)):
            inside = [node.annotation]
        elif isinstance(node, ast.Subscript):
            inside = [node.slice] if isinstance(node.value, ast.Name) and node.value.id in TYPES else []
        elif isinstance(node, ast.JoinedStr):
            inside = [part for part in node.values if isinstance(part, ast.Constant)]
            inside += [part.format_spec for part in node.values if isinstance(part, ast.FormattedValue)]
        for part in filter(None, inside):
            yield from map(id, ast.walk(part))


def _template(node):
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return FIELD.sub("{}", node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return None


def is_message(text):
    """Whether a person may read this: it has a blank, and a letter beside its values."""
    return " " in text.strip() and re.search(r"[A-Za-z]", text) is not None
