"""The links of a web server's listing page, as names of files and folders."""

from html.parser import HTMLParser
from urllib.parse import unquote, urljoin, urlsplit

__all__ = ["links_below"]


class _Links(HTMLParser):
    """Collects what the links of a page lead to, with HTML's own escapes undone."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.found += [target for name, target in attrs if name == "href" and target]


def links_below(base: str, page: str) -> tuple[list[str], list[str]]:
    """Return the names of the files, and of the folders, that the page of a folder links to, one level below it.

    Links are resolved as a browser does. What leads elsewhere, up, back to the page, or carries a query (as the links
    that sort a listing do) is not an entry of the folder.

    Parameters
    ----------
    base : str
        The folder's URL, with a slash at its end.
    page : str
        Its HTML.
    """
    links = _Links()
    links.feed(page)
    links.close()
    here = _place(base)
    files: dict[str, None] = {}  # each once, in order: an icon often links to the same
    folders: dict[str, None] = {}
    for link in links.found:
        name = _name_below(here, base, link)
        if name is not None:
            (folders if name.endswith("/") else files)[name.rstrip("/")] = None
    return list(files), list(folders)


def _name_below(here: tuple[str | None, list[str]], base: str, link: str) -> str | None:
    try:
        whole = urljoin(base, link)
        if "?" in whole or "#" in whole:  # in a name they are escaped
            return None
        host, segments = _place(whole)
    except ValueError:
        return None
    above, rest = segments[: len(here[1]) - 1], segments[len(here[1]) - 1 :]
    if host != here[0] or above != here[1][:-1] or not rest or not rest[0]:
        return None
    if len(rest) == 2 and not rest[1]:
        return f"{rest[0]}/" if "/" not in rest[0] else None
    return rest[0] if len(rest) == 1 and "/" not in rest[0] else None


def _place(url: str) -> tuple[str | None, list[str]]:
    """Return the host with its port, and the path's parts decoded."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return host, [unquote(part) for part in parts.path.split("/")]
