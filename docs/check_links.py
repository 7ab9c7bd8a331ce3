"""Checks a built site: every link to a page, a picture or a heading of it leads somewhere.

    python docs/check_links.py build/docs/html
"""

from __future__ import annotations

import html.parser
import pathlib
import sys
import urllib.parse


class Page(html.parser.HTMLParser):
    """The links of a page, and what on it can be linked to."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[tuple[int, str]] = []
        self.anchors: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if value is None:
                continue
            if name == "id" or (name == "name" and tag == "a"):
                self.anchors.add(value)
            elif name in ("href", "src"):
                self.links.append((self.getpos()[0], value))


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    site = pathlib.Path(sys.argv[1]).resolve()
    pages: dict[pathlib.Path, Page] = {}
    for path in sorted(site.rglob("*.html")):
        pages[path] = Page()
        pages[path].feed(path.read_text(encoding="utf-8"))
    if not pages:
        sys.exit(f"check_links.py: {site} has no pages.")
    broken: list[str] = []
    tried = 0
    for path, page in pages.items():
        for line, link in page.links:
            parts = urllib.parse.urlsplit(link)
            if parts.scheme or parts.netloc or link.startswith("//"):
                continue
            tried += 1
            target = path if not parts.path else (path.parent / urllib.parse.unquote(parts.path)).resolve()
            where = f"{path.relative_to(site)}:{line}: {link}"
            if not target.exists():
                broken.append(f"{where}: there is no such file")
            elif parts.fragment and target in pages and urllib.parse.unquote(parts.fragment) not in pages[target].anchors:
                broken.append(f"{where}: there is no such heading")
    if broken:
        sys.exit("\n".join(broken))
    print(f"{tried} links on {len(pages)} pages lead somewhere")


if __name__ == "__main__":
    main()
