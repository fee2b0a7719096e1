"""How a page is looked at for everybody: light and dark, desk, tablet and narrow, printed, by keyboard, without motion.

With ``SCREENSHOTS`` naming a folder, a picture of each page in each form is left there to be looked at.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from axe_playwright_python.sync_playwright import Axe

from tests.support.browsers import DESKTOP, TABLET

if TYPE_CHECKING:
    from playwright.sync_api import Page

RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]},
    "resultTypes": ["violations"],
}
# The narrowest screen a page must fit without scrolling sideways (WCAG 2.2, 1.4.10).
NARROW = (320, 800)
TOO_WIDE = """() => {
  const root = document.documentElement;
  if (root.scrollWidth <= root.clientWidth) return [];
  return [...document.querySelectorAll('body *')]
    .filter(e => e.getBoundingClientRect().right > root.clientWidth + 1 && !e.closest('.table-wrap, .scroll'))
    .slice(0, 5).map(e => e.outerHTML.slice(0, 120));
}"""
MOVING = """() => document.getAnimations()
  .filter(a => a.playState === 'running' && a.effect.getComputedTiming().duration > 1)
  .map(a => (a.animationName || a.transitionProperty) + ' on ' + a.effect.target.className)"""
PRINTED_MENUS = """() => [...document.querySelectorAll('header nav, .side-nav, button')]
  .filter(e => e.checkVisibility()).map(e => e.outerHTML.slice(0, 120))"""
UNSEEN_FOCUS = """() => {
  const at = document.activeElement;
  if (!at || at === document.body || at.tagName === 'IFRAME') return null;  // a frame's own page shows its focus
  const style = getComputedStyle(at);
  const seen = (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== 'none';
  return seen ? null : at.outerHTML.slice(0, 120);
}"""
TABS = 8


def complaints(page: Page) -> list[str]:
    """Return what axe-core finds wrong with the page as it is shown now."""
    found = Axe().run(page, options=RULES).response["violations"]
    return [
        f"{rule['id']}: {node['target']} {node['html'][:160]} {_why(node)}" for rule in found for node in rule["nodes"]
    ]


def _why(node: dict[str, Any]) -> str:
    return "; ".join(check["message"] for check in node["any"][:1])


def look(page: Page, name: str, form: str) -> None:
    """Leave a picture to be looked at, where a folder for it is named."""
    folder = os.environ.get("SCREENSHOTS")
    if folder:
        page.screenshot(path=str(Path(folder) / f"{name}-{form}.png"), full_page=True)


def faults_of(page: Page, name: str) -> list[str]:
    """Show the open page in every form and return what is wrong with it, each with its form."""
    found: list[str] = []
    page.wait_for_function("() => !document.querySelector('main [aria-busy=true]')", timeout=15_000)
    for form, size in (("desktop", DESKTOP), ("tablet", TABLET)):
        page.set_viewport_size({"width": size[0], "height": size[1]})
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            look(page, name, f"{form}-{scheme}")
            found += [f"{form} {scheme}: {fault}" for fault in complaints(page)]
        found += [f"{form}: too wide: {wide}" for wide in page.evaluate(TOO_WIDE)]
    found += [f"moves in spite of reduced motion: {what}" for what in page.evaluate(MOVING)]
    page.set_viewport_size({"width": NARROW[0], "height": NARROW[1]})
    found += [f"narrow: too wide: {wide}" for wide in page.evaluate(TOO_WIDE)]
    found += [f"narrow: {fault}" for fault in complaints(page)]
    look(page, name, "narrow")
    page.set_viewport_size({"width": DESKTOP[0], "height": DESKTOP[1]})
    page.emulate_media(media="print")
    look(page, name, "print")
    found += [f"printed: {what}" for what in page.evaluate(PRINTED_MENUS)]
    page.emulate_media(media="screen", color_scheme="light", reduced_motion="no-preference")
    for _ in range(TABS):
        page.keyboard.press("Tab")
        unseen = page.evaluate(UNSEEN_FOCUS)
        found += [f"focus is not seen: {unseen}"] if unseen else []
    return found


def told(found: dict[str, list[str]]) -> str:
    """Return what is wrong with each page, a line each; nothing where nothing is."""
    return "\n".join(f"{name}: {' '.join(fault.split())}" for name, faults in found.items() for fault in faults)
