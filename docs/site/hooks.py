"""Prepares the pages of the site.

A link to a file that is not part of the site becomes plain text. The words after the language
of a block, which say how the tests run it, are removed: the site takes no such block for code.

The search works from a folder, without a script of another host.
"""

import json
import posixpath
import re
from pathlib import Path

LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)")
FENCE = re.compile(r"^(```\w+)[ ,].*$", re.MULTILINE)


def on_page_markdown(markdown, page, config, files):
    folder = posixpath.dirname(page.file.src_uri)

    def replace(match):
        image, text, target = match.groups()
        path = target.split("#")[0]
        if "://" in target or not path:
            return match.group()
        found = posixpath.normpath(posixpath.join(folder, path))
        found = "index.md" if found == "README.md" else found
        if files.get_file_from_path(found):
            anchor = target[len(path) :]
            link = posixpath.relpath(found, folder or ".") + anchor
            return f"{image}[{text}]({link})"
        return text

    return LINK.sub(replace, FENCE.sub(r"\1", markdown))


WORKER = "assets/javascripts/search-worker.js"


def on_config(config):
    # Replaces the script of another host that the plugin `offline` adds for the same purpose.
    config.extra["polyfills"] = [WORKER]


def on_post_build(config):
    """Writes the script that starts the search of a page that was opened as a file.

    A browser refuses a worker that is a file then, but not one that is a text.
    """
    site = Path(config.site_dir)
    (search,) = site.glob("assets/javascripts/workers/search.*.js")
    text = json.dumps(search.read_text())
    (site / WORKER).write_text(
        f"""if (location.protocol === "file:") {{
  const search = URL.createObjectURL(new Blob([{text}]));
  const start = window.Worker;
  window.Worker = function () {{ return new start(search); }};
}}
"""
    )
