"""Links from a page to a file that is not part of the site become plain text."""

import posixpath
import re

LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)")


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

    return LINK.sub(replace, markdown)
