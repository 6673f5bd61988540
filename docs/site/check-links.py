"""Checks that the links between the pages of a site lead to files and anchors.

The pages of rustdoc and Doxygen are targets only: those tools check their own links.
"""

import re
import sys
import urllib.parse
from pathlib import Path

root = Path(sys.argv[1]).resolve()
dead = []
checked = 0
for page in sorted(root.rglob("*.html")):
    if page.relative_to(root).parts[0] in ("rust", "c"):
        continue
    for link in re.findall(r'<a[^>]* href="([^"]+)"', page.read_text()):
        url = urllib.parse.urlsplit(link)
        if url.scheme or url.netloc or page.name == "404.html":
            continue
        checked += 1
        target = (page.parent / urllib.parse.unquote(url.path)).resolve() if url.path else page
        if target.is_dir():
            target /= "index.html"
        anchor = urllib.parse.unquote(url.fragment)
        if not target.is_file():
            dead.append(f"{page.relative_to(root)}: {link}")
        elif anchor and not re.search(rf'(id|name)="{re.escape(anchor)}"', target.read_text()):
            dead.append(f"{page.relative_to(root)}: no anchor {link}")
if dead or checked < 100:
    sys.exit("\n".join(dead) or f"only {checked} links were found")
print(f"{checked} links")
