"""The directive `commands`: what `--help` says of the program and of each verb, at the time of the build."""

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from study_classification.commands import VERBS
from study_classification.commands.help import program_help, verb_help


class Commands(SphinxDirective):
    """A literal block of the program's help, and a section for each verb."""

    def run(self) -> list[nodes.Node]:
        sections: list[nodes.Node] = [nodes.literal_block(text=program_help(VERBS), language="text")]
        for verb in VERBS.values():
            section = nodes.section(ids=[f"verb-{verb.name}"])
            section += nodes.title(text=verb.name)
            section += nodes.literal_block(text=verb_help(verb), language="text")
            sections.append(section)
        return sections


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.add_directive("commands", Commands)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
