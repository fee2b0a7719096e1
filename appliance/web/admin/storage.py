"""Storage: what fills the disk, how fast, when it will be full, and what is deleted next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from flask import current_app, render_template, url_for
from msgspec import Meta

from appliance.cameras.store import list_cameras
from appliance.vault.holdings import grown, list_holdings, list_outlooks, weekly_rates
from appliance.vault.part_rows import open_parts, retention_hours, wished_sittings
from appliance.vault.retention import HOUR_US
from appliance.web.access import ADMINISTRATOR, AUDITOR, CENTRE_MANAGER, allow, roles_of
from appliance.web.admin import storage_chart, storage_facts
from appliance.web.admin.blueprint import BLUEPRINT
from appliance.web.admin.disk_facts import database_bytes, disk_facts, folder_bytes
from appliance.web.asking import read_query
from appliance.web.moments import shown_zone
from appliance.web.services import database, person, services
from appliance.web.words import ahead_words, day_words

if TYPE_CHECKING:
    from appliance.vault.holdings import Holding, Outlook
    from appliance.vault.retention import PartRow
    from appliance.web.admin.disk_facts import DiskFacts

PAGE = 15
SOON_US = 24 * HOUR_US


class StorageQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which page of the sittings."""

    page: Annotated[int, Meta(ge=1, le=1_000_000)] = 1


@dataclass(frozen=True, slots=True)
class Stock:
    """Everything the retention pages look at, read once."""

    holdings: list[Holding]
    outlooks: list[Outlook]
    growing: list[PartRow]
    now_us: int


def stock() -> Stock:
    """Read what there is and what happens to it next."""
    box = services()
    vault = box.settings.vault
    growing = open_parts(database(), box.settings.vault_dir)
    now_us = box.clock.wall_us()
    found = list_outlooks(
        database(),
        default_hours=vault.retention_hours,
        now_us=now_us,
        grace_us=vault.release_grace_us,
        growing=growing,
    )
    return Stock(grown(list_holdings(database()), growing), found, growing, now_us)


def common() -> dict[str, Any]:
    """Return what the templates of these pages share."""
    return {
        "names": {camera.id: camera.name for camera in list_cameras(database(), removed=True)},
        "camera_link": _camera_link,
        "day_words": lambda wall_us: day_words(wall_us, shown_zone()),
    }


def _camera_link(camera: str) -> str:
    """Return where a camera's retention is changed, for those who may; nothing where there is no such page."""
    for endpoint in ("admin.camera_edit", "admin.camera"):
        if endpoint in current_app.view_functions and person().role in (roles_of(current_app, endpoint) or ()):
            return url_for(endpoint, camera=camera)
    return ""


@BLUEPRINT.get("/admin/storage")
@allow(ADMINISTRATOR, CENTRE_MANAGER, AUDITOR)
def storage() -> str:
    """Show what fills the disk and how it goes on."""
    page = read_query(StorageQuery).page
    seen = stock()
    disk = disk_facts()
    sittings = storage_facts.sitting_uses(seen.outlooks, wished_sittings(database()).running)
    pages = max(1, -(-len(sittings) // PAGE))
    page = min(page, pages)
    settings = services().settings.vault
    return render_template(
        "admin/storage.html",
        disk=disk,
        now_us=seen.now_us,
        settings=settings,
        lines=storage_chart.thresholds(settings),
        **common(),
        free_at=storage_chart.free_at,
        ahead_words=ahead_words,
        sittings=sittings[(page - 1) * PAGE : page * PAGE],
        sittings_total=len(sittings),
        page=page,
        pages=pages,
        **_figures(seen, disk),
        **_outlook(seen, disk),
        section_endpoint="admin.storage",
    )


def _figures(seen: Stock, disk: DiskFacts) -> dict[str, Any]:
    settings = services().settings
    used = storage_facts.usage(
        disk.space,
        seen.outlooks,
        database=database_bytes(settings.database),
        exports=folder_bytes(settings.state_dir / "exports"),
        now_us=seen.now_us,
    )
    due = [one for one in seen.outlooks if one.due_us is not None]
    return {
        "used": used,
        "bar": storage_chart.bar(used.shares, used.total),
        "overdue": _sum(one for one in due if (one.due_us or 0) <= seen.now_us),
        "soon": _sum(one for one in due if seen.now_us < (one.due_us or 0) <= seen.now_us + SOON_US),
        "next_due_us": due[0].due_us if due else None,
    }


def _sum(outlooks: Any) -> dict[str, int]:
    rows = list(outlooks)
    return {"parts": sum(one.holding.savable for one in rows), "bytes": sum(one.holding.bytes for one in rows)}


def _outlook(seen: Stock, disk: DiskFacts) -> dict[str, Any]:
    box = services()
    known = {camera.id for camera in list_cameras(database())} | {one.holding.camera for one in seen.outlooks}
    hours = {camera: kept for camera, kept in retention_hours(database()).items() if camera in known}
    week = {camera: rate for camera, rate in weekly_rates(database(), seen.now_us).items() if camera in known}
    cameras = storage_facts.camera_uses(seen.outlooks, seen.growing, week, hours, now_us=seen.now_us)
    reserve = disk.space.total * box.settings.vault.disk_stop_free_percent // 100
    now_rates = {one.camera: one.rate_now for one in cameras if one.rate_now}

    def projected(rates: dict[str, int]) -> Any:
        return storage_facts.projected(
            disk.space, seen.outlooks, rates, {one.camera: one.hours for one in cameras},
            reserve=reserve, now_us=seen.now_us, deletes=disk.deletes,
        )  # fmt: skip

    main = projected(now_rates or week)
    return {
        "cameras": cameras,
        "rate_now": sum(now_rates.values()),
        "rate_week": sum(week.values()),
        "forecast": main,
        "by_week": projected(week) if now_rates and week else None,
        "course": storage_chart.course(main, disk.space.total, seen.now_us),
    }
