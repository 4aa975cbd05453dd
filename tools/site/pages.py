"""Pages of the site that live elsewhere: the README, the changelog, the references. MkDocs calls the ``on_`` functions."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

from mkdocs.structure.files import File

import graphcut
from graphcut.cli import commands

ROOT = Path(__file__).resolve().parents[2]
COPIED = {"index.md": "README.md", "changelog.md": "CHANGELOG.md", "contributing.md": "CONTRIBUTING.md"}
GENERATED = {
    "cli.md": "# Command line options\n\n::: mkdocs-click\n    :module: graphcut.cli\n    :command: commands\n"
    "    :prog_name: graphcut\n    :style: table\n    :depth: 1\n",
}
LINK = re.compile(r"(!?)\[([^]\n]*)\]\(([^)\s]+)\)")


UNWRAPPED = re.compile(r"(?ms)^\x08\n(.*?)(?=\n\n|\Z)")


def on_config(config):
    """Show as written what the help of a command keeps from being wrapped: lists and examples."""
    for command in every_command(commands):
        command.help = UNWRAPPED.sub(r"```text\n\1\n```", inspect.cleandoc(command.help or ""))


def every_command(command):
    """A command, and those of a group."""
    yield command
    for each in getattr(command, "commands", {}).values():
        yield from every_command(each)


def on_files(files, config):
    """Add the pages that are not under docs/."""
    for name, source in COPIED.items():
        content = (ROOT / source).read_text(encoding="utf-8")
        files.append(File.generated(config, name, content=LINK.sub(from_root, content)))
    for name, content in {**GENERATED, "api.md": api()}.items():
        files.append(File.generated(config, name, content=content))
    return files


def api():
    """The page of every public name, each by the module that defines it, since graphcut imports names when they are used."""
    named = [(name, getattr(graphcut, name)) for name in graphcut.__all__]
    paths = [(name, "%s.%s" % (each.__module__, each.__qualname__)) for name, each in named if hasattr(each, "__qualname__")]
    sections = ["::: %s\n    options: { heading: %s }\n" % (path, name) for name, path in paths]
    return "# Python API\n\nEverything that `import graphcut` offers.\n\n" + "\n".join(sections)


def from_root(link):
    """A link of a file in the root of the repository, as a page of the site has it."""
    mark, text, target = link.groups()
    pages = {source: name for name, source in COPIED.items()}
    if "://" in target:
        return link.group(0)
    if target.startswith("docs/"):
        return "%s[%s](%s)" % (mark, text, target[len("docs/") :])
    return "[%s](%s)" % (text, pages[target]) if target in pages else text


def on_page_markdown(markdown, page, config, files):
    """Name what lies in the repository but not in the site, without a link that leads nowhere."""
    if page.file.src_uri == "index.md":
        page.meta["hide"] = ["toc"]  # the tables of the README are wide
    if page.file.src_uri == "how-to.md":
        page.meta["search"] = {"boost": 10}  # it has the messages that users search for; "no" also finds "Notebooks"
    return LINK.sub(lambda link: in_site(link, Path(page.file.src_uri).parent), markdown)


def in_site(link, folder):
    """A link as it is, or its text where it leaves docs/."""
    target, _, anchor = link.group(3).partition("#")
    if "://" in target or not target:
        return link.group(0)
    copied = {"../" + source: name for name, source in COPIED.items()}
    if target in copied and folder == Path():
        return "[%s](%s#%s)" % (link.group(2), copied[target], anchor)
    depth = 0
    for part in (folder / target).parts:
        depth += -1 if part == ".." else 1
        if depth < 0:
            return link.group(2)
    return link.group(0)


def on_post_page(output, page, config):
    """Take the search's frame from the site itself, which the theme fetches from the network."""
    shim = (Path(__file__).with_name("frame_worker.js")).read_text(encoding="utf-8")
    output = output.replace("<code>Sentinel.UNSET</code>", "")  # click's word for no default
    return re.sub(
        r'<script src="https://unpkg\.com/iframe-worker/shim"></script>', lambda _: "<script>\n%s</script>" % shim, output
    )
