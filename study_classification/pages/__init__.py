"""Pages that a browser shows: self-contained HTML, in the language that the program speaks.

data.py  the page of `check`
page.py  a template with its values -> HTML; a figure, an image -> parts of a page

Templates lie beside: base.html is the frame of every page, with all its style; parts.html has what several pages share.
What a template says goes through `_`, which looks a sentence up in the catalogue, as `say` does of messages.
"""
