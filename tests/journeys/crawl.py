"""Walks every page of a running box: one address for each page there is."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from werkzeug.exceptions import HTTPException

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page
    from werkzeug.routing import Map, MapAdapter

LINKS = """() => [...document.querySelectorAll('a[href]:not([download])')].map(link => link.href.split('#')[0])"""
MAX_PAGES = 150


def pages(page: Page, address: str, routes: Map, *, starts: tuple[str, ...] = ("/",)) -> Iterator[tuple[str, str]]:
    """Open one address of each page that links lead to, and yield its endpoint and path while it is open.

    Args:
        page: a browser's page, signed in or not.
        address: the box's, without a path.
        routes: the dashboard's routes, to tell which addresses are the same page.
        starts: paths to begin with.
    """
    adapter = routes.bind(urlsplit(address).netloc)
    waiting, known, seen = list(starts), set(starts), set[str]()
    while waiting:
        path = waiting.pop(0)
        endpoint = _endpoint(adapter, path)
        if endpoint is None or endpoint in seen or not _is_page(page, address + path):
            continue
        page.goto(address + path)
        arrived = urlsplit(page.url).path
        endpoint = _endpoint(adapter, arrived) or endpoint
        if endpoint not in seen:
            seen.add(endpoint)
            assert len(seen) < MAX_PAGES
            links = page.evaluate(LINKS)
            yield endpoint, arrived
            for link in links:
                split = urlsplit(link)
                if f"{split.scheme}://{split.netloc}" == address and split.path not in known:
                    known.add(split.path)
                    waiting.append(split.path)


def _endpoint(adapter: MapAdapter, path: str) -> str | None:
    try:
        endpoint, _ = adapter.match(path, method="GET")
    except HTTPException:
        return None
    return str(endpoint)


def _is_page(page: Page, address: str) -> bool:
    """Whether an address answers with a page, as against a file to keep."""
    answer = page.request.head(address, headers={"Accept": "text/html"})
    return answer.headers.get("content-type", "").startswith("text/html")
