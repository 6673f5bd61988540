"""Prepares the Markdown of a page for the site.

A link to a file that is not part of the site becomes plain text. The words after the language
of a block, which say how the tests run it, are removed: the site takes no such block for code.
"""

import posixpath
import re

LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)")
FENCE = re.compile(r"^(```\w+) .*$", re.MULTILINE)


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
