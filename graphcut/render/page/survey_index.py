"""The index of a survey: an HTML page with a row for each file, worst first, linked to that file's page."""

from __future__ import annotations

from typing import Any, Sequence


def survey_index(files: Sequence[Any]) -> str:
    """Return the page as text; it has no script and fetches nothing."""
    from graphcut.render import palette
    from graphcut.render.page.html import templates
    from graphcut.render.text.survey_table import HEADINGS, cells, survey_summary

    rows = [(each, cells(each)) for each in sorted(files, key=lambda each: each.rank)]
    filled = {"files": files, "rows": rows, "headings": HEADINGS, "summary": survey_summary(files), "palette": palette}
    return str(templates().get_template("survey.html").render(**filled))
