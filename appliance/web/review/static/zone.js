// The shown zone with what the review page says besides: days, and tenths of a second where places are exact.

import { Zone, shownZone } from "/static/words.js";

const language = document.documentElement.lang || "en";

export class ReviewZone extends Zone {
  constructor(name = shownZone()) {
    super(name);
    this.name = name;
    this.dayWords = new Intl.DateTimeFormat(language === "en" ? "en-GB" : language, { timeZone: name, weekday: "short", day: "numeric", month: "short" });
    this.zoneWords = new Intl.DateTimeFormat(language === "en" ? "en-GB" : language, { timeZone: name, hour: "2-digit", timeZoneName: "short" });
  }

  day(us) { return this.dayWords.format(us / 1000); }

  /** The time of day to a tenth of a second: 10:02:11.4 */
  exact(us) { return `${this.clock(Math.floor(us / 1e6) * 1e6)}.${Math.floor((us % 1e6) / 1e5)}`; }

  short(us) { return this.zoneWords.formatToParts(us / 1000).find((part) => part.type === "timeZoneName")?.value ?? this.name; }
}
