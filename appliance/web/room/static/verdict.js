// What a tile says of its camera, from what the picture shows and what the box says (pure).

import { _, _n } from "/static/text.js";
import { bitrate, decimal, duration } from "/static/words.js";

const FRESH_S = 5;
const STALE_S = 12;

/** @typedef {{state: "starting"|"live"|"stills"|"lost"|"stopped", title: string, reason: string}} Verdict */

/**
 * @param {{state: string, reason: string}} picture what the player sees
 * @param {object|null} facts what capture says of the camera; null: nothing
 * @param {{enabled: boolean, heard: boolean, sinceS: (us: number) => number}} context heard: the facts are of now
 * @returns {Verdict}
 */
export function verdict(picture, facts, { enabled, heard, sinceS }) {
  if (!enabled) return { state: "stopped", title: _("Camera is off"), reason: "" };
  // The box outweighs the picture: a camera it has lost is never shown as alive. The other way round, too: a picture
  // that does not move is dead, whatever the box says.
  if (heard && facts && facts.state === "lost") return { state: "lost", title: _("Camera lost"), reason: since(facts.message || facts.reason, facts, sinceS) };
  if (heard && facts && facts.state === "stopped") return { state: "stopped", title: _("Camera is off"), reason: "" };
  if (picture.state === "live" || picture.state === "stills") return { state: picture.state, title: "", reason: picture.reason };
  if (picture.state === "starting") {
    const waits = heard && facts?.state === "starting";
    return { state: "starting", title: waits ? _("Camera is starting…") : _("Connecting…"), reason: "" };
  }
  return { state: "lost", title: _("No picture"), reason: picture.reason };
}

function since(reason, facts, sinceS) {
  const seconds = facts.since_us ? sinceS(facts.since_us) : 0;
  if (seconds < 1) return reason;
  return reason ? _("{reason} For {time}.", { reason: stopped(reason), time: duration(seconds) }) : _("For {time}.", { time: duration(seconds) });
}

const stopped = (text) => (/[.!?]$/.test(text) ? text : `${text}.`);

/** How the age of the last sealed segment is shown: `[kind, words]`. */
export function sealed(facts, { enabled = true, heard, sinceS }) {
  if (!enabled) return ["off", _("Not being recorded")];
  if (!facts || !heard) return ["unknown", _("Sealing unknown")];
  if (!facts.recording) return ["off", _("Not being recorded")];
  if (!facts.last_segment_us) return ["late", _("Nothing sealed yet")];
  const seconds = Math.max(0, sinceS(facts.last_segment_us));
  const kind = seconds < FRESH_S ? "fresh" : seconds < STALE_S ? "late" : "stale";
  const age = seconds < 60 ? _("{seconds} s", { seconds: decimal(seconds) }) : duration(seconds);
  return [kind, _("Sealed {age} ago", { age })];
}

/** Whether somebody should look: `yes` (lost, or nothing is sealed), `perhaps` (starts, or late), `no`. */
export function problem({ state }, [seal], facts) {
  if (state === "lost" || seal === "stale" || facts?.alarm) return "yes";
  return state === "starting" || seal === "late" ? "perhaps" : "no";
}

/** The small print under a picture. */
export function metrics(facts) {
  if (!facts) return "";
  const parts = [];
  if (facts.state === "live" && facts.width) {
    parts.push(`${facts.width}×${facts.height}`);
    if (facts.fps_milli) parts.push(_("{number} pictures/s", { number: decimal(facts.fps_milli / 1000) }), bitrate(facts.kbit));
  }
  if (facts.gaps) parts.push(_n("1 gap", "{num} gaps", facts.gaps));
  if (facts.dropped) parts.push(_n("1 piece dropped", "{num} pieces dropped", facts.dropped));
  if (facts.restarts) parts.push(_n("1 restart", "{num} restarts", facts.restarts));
  if (facts.viewers > 1) parts.push(_n("1 watching", "{num} watching", facts.viewers));
  return parts.join(" · ");
}

/** Problems first, in the order of names otherwise. @param {{id: string, problem: string}[]} tiles */
export function order(tiles) {
  const rank = { yes: 0, perhaps: 1, no: 1 };
  return tiles.map((tile, index) => [rank[tile.problem], index, tile.id]).sort((a, b) => a[0] - b[0] || a[1] - b[1]).map(([, , id]) => id);
}
