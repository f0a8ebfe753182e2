"""How the pages become a site: `scripts/docs.sh`. Their root is the project's folder, so README.md is among them."""

import sys
from importlib import metadata
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # where the last two extensions lie

project = "study_classification"
release = metadata.version("study-classification")
copyright = "the authors of study_classification, Apache-2.0"

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "command_pages", "no_requests"]
root_doc = "docs/index"
include_patterns = ["docs/**", "README.md", "README.ja.md", "CHANGELOG.md", "scripts/*/README.md"]
exclude_patterns = ["docs/build", "docs/site"]
source_suffix = {".md": "myst-nb", ".ipynb": "myst-nb"}

myst_heading_anchors = 4
nb_execution_mode = "force"
nb_execution_in_temp = True  # what a notebook writes is gone with it
nb_execution_timeout = 600  # seconds a cell
nb_execution_raise_on_error = True
nb_merge_streams = True  # else each line that is said has a box of its own

autodoc_member_order = "bysource"
napoleon_numpy_docstring = False

html_theme = "furo"
html_title = "study_classification"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
