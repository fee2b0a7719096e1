// Typed and linked times: from words to moments, and a ruler's marks, in one zone, safe where clocks are put forward or back.

import { _ } from "/static/text.js";

const SECOND = 1e6;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
const STEPS = [0.1 * SECOND, 0.2 * SECOND, 0.5 * SECOND, SECOND, 2 * SECOND, 5 * SECOND, 10 * SECOND, 15 * SECOND, 30 * SECOND, MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE,
  HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY];

/** The local reading of a moment as if it were UTC, in microseconds. */
export function localOf(us, zone) {
  const second = Math.floor(us / SECOND) * SECOND;
  return Date.parse(`${zone.toField(second)}Z`) * 1000 + (us - second);
}

/** Every moment that reads as a local time: none where clocks were put forward over it, two where they were put back. */
export function momentsOf(local, zone) {
  const found = new Set();
  for (const near of [local - DAY, local, local + DAY]) {
    const moment = local - (localOf(near, zone) - near);
    if (Math.abs(localOf(moment, zone) - local) < 1) found.add(moment);
  }
  return [...found].sort((a, b) => a - b);
}

/**
 * Read a typed time: `10:02`, `10:02:11.5`, `2026-11-21 10:02`, `21.11. 10:02`, `21.11.2026 10:02`, `+90`, `-1:30`.
 * Without a date the day of `near` is meant; of two moments the one nearer to `near`.
 * @returns {{us: number}|{problem: string}}
 */
export function typedTime(text, near, zone) {
  const input = text.trim().slice(0, 60);
  const relative = /^([+-])\s*(?:(\d{1,3}):)?(?:(\d{1,3}):)?(\d{1,6}(?:[.,]\d{1,3})?)$/.exec(input);
  if (relative) {
    const [, sign, first, second, last] = relative;
    const [hours, minutes] = second === undefined ? [0, first ?? 0] : [first, second];
    const amount = Number(hours) * HOUR + Number(minutes) * MINUTE + Number(last.replace(",", ".")) * SECOND;
    return { us: near + (sign === "-" ? -amount : amount) };
  }
  const found = /^(?:(?<year>\d{4})-(?<month>\d{1,2})-(?<day>\d{1,2})[T ,]+|(?<d>\d{1,2})[./](?<m>\d{1,2})[./]?(?<y>\d{4})?[ ,]+)?(?<hour>\d{1,2}):(?<minute>\d{2})(?::(?<second>\d{2})(?:[.,](?<part>\d{1,6}))?)?(?<utc>\s*(?:Z|UTC))?$/i.exec(input);
  if (!found) return { problem: _("Type a time such as 10:02 or 10:02:11, with a date if you like: 2026-11-21 10:02.") };
  const { year, month, day, d, m, y, hour, minute, second = "0", part = "0", utc } = found.groups;
  const today = new Date((utc ? near : localOf(near, zone)) / 1000);
  const wanted = [Number(year ?? y ?? today.getUTCFullYear()), Number(month ?? m ?? today.getUTCMonth() + 1), Number(day ?? d ?? today.getUTCDate())];
  const midnight = new Date(Date.UTC(wanted[0], wanted[1] - 1, wanted[2]));
  if (midnight.getUTCMonth() !== wanted[1] - 1 || midnight.getUTCDate() !== wanted[2]) return { problem: _("There is no such date.") };
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return { problem: _("There is no such time of day.") };
  const local = midnight.getTime() * 1000 + Number(hour) * HOUR + Number(minute) * MINUTE + Number(second) * SECOND + Number(part.padEnd(6, "0"));
  if (utc) return { us: local };
  const moments = momentsOf(local, zone);
  if (!moments.length) return { problem: _("That time did not exist: the clocks were put forward over it.") };
  moments.sort((a, b) => Math.abs(a - near) - Math.abs(b - near));
  return { us: moments[0] };
}

/** The moment a link names: `t=2026-11-21T09:02:11.500Z` (or microseconds); null where it names none. */
export function linkedTime(fragment) {
  const text = new URLSearchParams(fragment.replace(/^#/, "")).get("t");
  if (!text || text.length > 40) return null;
  if (/^\d{13,17}$/.test(text)) return Number(text);
  const found = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?(Z|[+-]\d\d:?\d\d)$/.exec(text.replace(/ (\d\d:?\d\d)$/, "+$1"));
  if (!found) return null;
  const whole = Date.parse(`${found[1]}${found[3]}`);
  return Number.isNaN(whole) ? null : whole * 1000 + Number((found[2] ?? "0").padEnd(6, "0"));
}

/** The fragment of a link to a moment, to the millisecond. */
export const linkTo = (us) => `#t=${new Date(Math.floor(us / 1000)).toISOString()}`;

/** The step between marks so that labels of `room` pixels fit. */
export function stepFor(span, width, room = 84) {
  const least = (span * room) / Math.max(width, 1);
  return STEPS.find((step) => step >= least) ?? Math.ceil(least / (7 * DAY)) * 7 * DAY;
}

/**
 * A ruler's marks between two moments: at whole local times of the zone. A mark whose local time does not exist is
 * left out; one that exists twice stands twice.
 * @returns {{us: number, midnight: boolean, step: number}[]}
 */
export function marks(from, to, width, zone, room) {
  const step = stepFor(to - from, width, room);
  const found = [];
  let local = Math.floor((localOf(from, zone) - (step > HOUR ? 2 * HOUR : 0)) / step) * step;
  const last = localOf(to, zone) + 2 * HOUR;
  for (let count = 0; local <= last && count < 2000; local += step, count += 1) {
    for (const us of momentsOf(local, zone)) {
      if (us >= from && us <= to) found.push({ us, midnight: local % DAY === 0, step });
    }
  }
  // Within the hour that exists twice the loop above may miss marks near its edges or order them by reading.
  return found.sort((a, b) => a.us - b.us).filter((mark, n, all) => n === 0 || mark.us !== all[n - 1].us);
}
