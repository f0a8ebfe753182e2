"""Pages that a browser shows: self-contained HTML, in the language that the program speaks.

page.py       a template with its values -> HTML; a figure, an image -> parts of a page
run_page.py   report.html of a run
data.py       the page of `check`

Templates lie beside: base.html is the frame of every page, with all its style; parts.html has what several pages share;
report.html is the page of a run.
What a template says goes through `_`, which looks a sentence up in the catalogue, as `say` does of messages.
"""
