"""What the central service wants changed in a sitting, in the reader's language."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from appliance.centre.proposals import ExtraTimeWish, IntegrationWish, PlanWish, RosterWish, SeatingWish
from appliance.web.language import gettext as _
from appliance.web.language import ngettext as _n
from appliance.web.moments import shown_zone
from appliance.web.sittings.words import amount_words
from appliance.web.words import local_words

if TYPE_CHECKING:
    from appliance.centre.proposals import Proposal, Wish

_SHOWN: Final = 6


def title_of(proposal: Proposal) -> str:  # noqa: PLR0911  one a kind
    """Return what is asked, in one line."""
    wish = proposal.wish
    match wish:
        case ExtraTimeWish(candidate=None, known=True):
            return _("The central service gives everybody %(time)s more.", time=_amount(wish))
        case ExtraTimeWish():
            return _("The central service gives %(name)s %(time)s more.", name=_who(wish), time=_amount(wish))
        case RosterWish():
            return _("The central service has changed the roster.")
        case SeatingWish():
            return _("The central service has another seating plan.")
        case PlanWish(removed=True):
            return _("The central service has removed this sitting.")
        case PlanWish():
            return _("The central service has changed the plan of this sitting.")
        case IntegrationWish():
            return _("%(name)s is not to take part any more.", name=wish.integration)
        case None:
            return _("The central service wants something changed that this box cannot show.")


def lines_of(proposal: Proposal) -> list[str]:
    """Return what would become of it, and what holds until somebody decides."""
    return [*_what(proposal.wish), _("The sitting goes on as it is until you accept.")]


def declined_words(proposal: Proposal) -> str:
    """Return what is said of one that was declined."""
    return _(
        "%(what)s Declined by %(who)s: %(why)s",
        what=title_of(proposal),
        who=proposal.waiting.decided_by,
        why=proposal.waiting.decided_why,
    )


def _what(wish: Wish | None) -> list[str]:  # noqa: PLR0911  one a kind
    match wish:
        case ExtraTimeWish():
            lines = [f"{wish.who}: {wish.why}"] if wish.why else []
            return (
                lines
                if wish.known
                else [*lines, _("This candidate is not known here; ask the central service who is meant.")]
            )
        case RosterWish():
            return _roster(wish)
        case SeatingWish():
            return [_n("%(num)s candidate would sit elsewhere.", "%(num)s candidates would sit elsewhere.", wish.moved)]
        case PlanWish(removed=True):
            return [_("Before the start, accepting calls it off. One that runs has to be ended in the room.")]
        case PlanWish():
            return _plan(wish)
        case IntegrationWish():
            return [_("Its sessions could not be told of any more. Wait until the sitting is over, if you can.")]
        case _:
            return []


def _plan(wish: PlanWish) -> list[str]:
    lines = []
    if wish.start_us is not None:
        lines.append(_("The planned start would be %(time)s.", time=local_words(wish.start_us, shown_zone())))
    if wish.last_start_us is not None:
        lines.append(_("The last start would be %(time)s.", time=local_words(wish.last_start_us, shown_zone())))
    if wish.late_rule == "common_end":
        lines.append(_("Who begins late would end together with the others."))
    elif wish.late_rule:
        lines.append(_("Who begins late would have the whole time."))
    if wish.added:
        lines.append(_("Exams that come to it: %(names)s", names=_names(wish.added)))
    if wish.left_out:
        lines.append(_("Exams that are left out: %(names)s", names=_names(wish.left_out)))
    return lines or [_("Nobody here would notice a difference.")]


def _roster(wish: RosterWish) -> list[str]:
    lines = []
    if wish.enrolled:
        names = _names(wish.enrolled)
        count = len(wish.enrolled)
        lines.append(
            _n("%(num)s would be enrolled: %(names)s", "%(num)s would be enrolled: %(names)s", count, names=names)
        )
    if wish.withdrawn:
        names = _names(wish.withdrawn)
        count = len(wish.withdrawn)
        lines.append(
            _n("%(num)s would be withdrawn: %(names)s", "%(num)s would be withdrawn: %(names)s", count, names=names)
        )
    if wish.others:
        lines.append(
            _n(
                "%(num)s would get other planned extra time.",
                "%(num)s would get other planned extra time.",
                wish.others,
            )
        )
    return lines or [_("Nobody here would notice a difference.")]


def _names(names: tuple[str, ...]) -> str:
    shown = "; ".join(names[:_SHOWN])
    return f"{shown}; …" if len(names) > _SHOWN else shown


def _amount(wish: ExtraTimeWish) -> str:
    return amount_words(wish.amount_us).lstrip("+")


def _who(wish: ExtraTimeWish) -> str:
    return wish.candidate.display_name if wish.candidate else _("somebody")
