// How numbers and times are said; the same words as appliance/web/words.py.

import { _ } from "/static/text.js";

const language = document.documentElement.lang || "en";
const locale = language === "en" ? "en-GB" : language;
const tenths = new Intl.NumberFormat(locale, { minimumFractionDigits: 1, maximumFractionDigits: 1, useGrouping: false });

/** One decimal place, as the reader's language writes it. */
export const decimal = (number) => tenths.format(number);

export function size(bytes) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) { value /= 1000; unit += 1; }
  return unit === 0 || value >= 100 ? `${Math.round(value)} ${units[unit]}` : `${decimal(value)} ${units[unit]}`;
}

const two = (number) => String(number).padStart(2, "0");

export function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  if (hours) return _("{hours} h {minutes} min", { hours, minutes: two(minutes) });
  if (minutes) return _("{minutes} min {seconds} s", { minutes, seconds: two(whole % 60) });
  return _("{seconds} s", { seconds: whole });
}

export function bitrate(kbit) {
  return kbit >= 1000 ? `${decimal(kbit / 1000)} Mbit/s` : `${Math.round(kbit)} kbit/s`;
}

/** The zone this page shows times in: the room's, or UTC where the reader asked for it. */
export const shownZone = () => (document.documentElement.dataset.times === "utc" ? "UTC" : document.documentElement.dataset.zone || "UTC");

/** Times of one zone (the shown one, if none is named): to words, and to and from the value of a datetime-local field. */
export class Zone {
  constructor(name = shownZone()) {
    const common = { timeZone: name, hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit" };
    this.parts = new Intl.DateTimeFormat("en-GB", common);
    this.time = new Intl.DateTimeFormat(locale, { timeZone: name, hourCycle: "h23", hour: "2-digit", minute: "2-digit", second: "2-digit" });
    this.long = new Intl.DateTimeFormat(locale, { timeZone: name, hourCycle: "h23", weekday: "short", day: "2-digit", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit", timeZoneName: "short" });
  }

  clock(us) { return this.time.format(us / 1000); }

  words(us) { return this.long.format(us / 1000); }

  toField(us) {
    const found = Object.fromEntries(this.parts.formatToParts(us / 1000).map((part) => [part.type, part.value]));
    return `${found.year}-${found.month}-${found.day}T${found.hour}:${found.minute}:${found.second}`;
  }

  /** Of two moments with the same local time (clocks set back) the one nearer to `near` is meant. */
  fromField(text, near) {
    const naive = Date.parse(`${text}Z`);
    if (Number.isNaN(naive)) return null;
    const candidates = [naive - 864e5, naive, naive + 864e5]
      .map((moment) => naive - (Date.parse(`${this.toField(moment * 1000)}Z`) - Math.floor(moment / 1000) * 1000))
      .filter((moment) => Date.parse(`${this.toField(moment * 1000)}Z`) === naive);
    if (!candidates.length) return naive * 1000;
    candidates.sort((a, b) => Math.abs(a * 1000 - near) - Math.abs(b * 1000 - near));
    return candidates[0] * 1000;
  }
}
