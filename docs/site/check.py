"""Checks a site: links between its pages lead to files and anchors, no page asks another host,
and no page shows Markdown that was not understood.

The pages of rustdoc and Doxygen are link targets only: those tools check their own links.
"""

import re
import sys
import urllib.parse
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

# Attributes whose address is loaded with the page. The `href` of a link for readers is not.
LOADED = ("src", "srcset", "poster", "data", "background", "xlink:href")

# What a page may load by its policy: no other host.
LOCAL = {"'self'", "file:", "data:", "blob:", "'unsafe-inline'"}

# One address, or the list of a `srcset`.
ADDRESS = re.compile(r"(?:^|,\s)\s*(?:\w+:)?//(?P<host>[^/?#]+)")
STYLE = re.compile(r"(?:url\(|@import)\s*[\"']?(?:\w+:)?//(?P<host>[^/?#\"')]+)")

# Signs of Markdown in a text that is not code.
MARKUP = re.compile(r"`|\*\*|\]\(|\\\||\|\s*---|\n *[*+-] ")


class Page(HTMLParser):
    """The hosts that a page asks, whether its scripts can ask one, and Markdown in its text.

    >>> Page('<img src=//a/x><link href="http://b/"><a href="http://c/">').hosts
    ['a', 'b']
    >>> Page('<img srcset="x.png 1x, https://c/x.png 2x">').hosts
    ['c']
    >>> Page('<style>@import "//d"</style><p style="background: url(https://e/f)">').hosts
    ['d', 'e']
    >>> Page("<p>x</p>").is_bound
    False
    >>> head = '<meta http-equiv="Content-Security-Policy" content="default-src %s; form-action x">'
    >>> Page(head % "'self' blob:").is_bound
    True
    >>> Page(head % "'self' https://f").is_bound
    False
    >>> Page("<script>0</script>" + head % "'self'").is_bound
    False
    >>> Page("<p>a * b - c</p><pre>`d` <b>*</b></pre><p>e `f` g</p>").markup
    ['e `f` g']
    >>> Page("<p>list:\\n* a</p>").markup == ["list:\\n* a"]
    True
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.hosts: list[str] = []
        # The policy of the page comes before its scripts and allows no other host.
        self.is_bound = False
        self.has_script = False
        self.is_style = False
        self.markup: list[str] = []
        self.code: list[str] = []  # the open elements whose text is code
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attributes}
        for name, value in named.items():
            if name in LOADED or name == "href" and tag not in ("a", "area"):
                self.hosts += ADDRESS.findall(value)
        self.hosts += STYLE.findall(named.get("style", ""))
        self.is_style = tag == "style"
        self.has_script |= tag == "script"
        if tag in ("pre", "code", "script", "style"):
            self.code.append(tag)
        if named.get("http-equiv") == "Content-Security-Policy" and not self.has_script:
            name, *sources = named["content"].split(";")[0].split()
            self.is_bound = name == "default-src" and LOCAL.issuperset(sources)

    def handle_endtag(self, tag: str) -> None:
        if self.code and self.code[-1] == tag:
            self.code.pop()

    def handle_data(self, data: str) -> None:
        if not self.code and MARKUP.search(data):
            self.markup.append(data.strip())
        if self.is_style:
            self.hosts += STYLE.findall(data)


def requests(path: Path) -> Iterator[str]:
    """What a file of the site asks of other hosts."""
    text = path.read_text(errors="replace")
    if path.suffix == ".html":
        page = Page(text)
        yield from (f"asks {host}" for host in page.hosts)
        if not page.is_bound:
            yield "has no policy that keeps its scripts from asking other hosts"
    else:
        yield from (f"asks {host}" for host in STYLE.findall(text))


def dead_links(root: Path, page: Path) -> Iterator[str | None]:
    """For each link of a page: what is wrong, or None."""
    for link in re.findall(r'<a[^>]* href="([^"]+)"', page.read_text()):
        url = urllib.parse.urlsplit(link)
        if url.scheme or url.netloc or page.name == "404.html":
            continue
        target = (page.parent / urllib.parse.unquote(url.path)).resolve() if url.path else page
        if target.is_dir():
            target /= "index.html"
        anchor = urllib.parse.unquote(url.fragment)
        if not target.is_file():
            yield f"{page.relative_to(root)}: {link}"
        elif anchor and not re.search(rf'(id|name)="{re.escape(anchor)}"', target.read_text()):
            yield f"{page.relative_to(root)}: no anchor {link}"
        else:
            yield None


def main() -> None:
    root = Path(sys.argv[1]).resolve()
    pages = sorted(root.rglob("*.html"))
    pages = [page for page in pages if page.relative_to(root).parts[0] not in ("rust", "c")]
    links = [link for page in pages for link in dead_links(root, page)]
    wrong = [link for link in links if link]
    for page in pages:
        markup = Page(page.read_text()).markup
        wrong += [f"{page.relative_to(root)} shows Markdown: {text}" for text in markup]
    for path in sorted(root.rglob("*")):
        if path.suffix in (".html", ".css", ".svg"):
            wrong += [f"{path.relative_to(root)} {what}" for what in requests(path)]
    if wrong or len(links) < 100:
        sys.exit("\n".join(wrong) or f"only {len(links)} links were found")
    print(f"{len(links)} links")


if __name__ == "__main__":
    main()
