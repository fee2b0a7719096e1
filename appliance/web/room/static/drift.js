// Staying close to the present: what a player does about how far it is behind (pure).

export const AIM_S = 0.08; // a little in hand, so that a late picture does not stop the show
const SEEK_S = 1.2;

/**
 * What to do when `behind` seconds of pictures are waiting to be shown.
 * @returns {{seek: boolean, rate: number}} seek: go to the present at once; rate: how fast to play meanwhile.
 */
export function correction(behind) {
  if (behind > SEEK_S || behind < -0.2) return { seek: true, rate: 1 };
  const excess = behind - AIM_S;
  if (excess > 0.4) return { seek: false, rate: 1.25 };
  if (excess > 0.04) return { seek: false, rate: 1.1 };
  if (excess < -0.06) return { seek: false, rate: 0.97 };
  return { seek: false, rate: 1 };
}

const SILENT_MS = 3000;
const STILL_MS = 2500;

/** Tells whether pictures are alive: they arrive, they are decoded, and time moves on the screen. */
export class Pulse {
  /** @param {number} now milliseconds */
  constructor(now) {
    this.arrived = this.moved = now;
    this.frames = this.time = -1;
    this.seen = false;
  }

  arrive(now) { this.arrived = now; }

  /** Look at the video: its count of decoded pictures and its time. */
  look(now, frames, time) {
    if (frames === this.frames || time === this.time) return;
    if (this.frames >= 0 && frames > 0) { this.moved = now; this.seen = true; }
    this.frames = frames;
    this.time = time;
  }

  /** @returns {"starting"|"live"|"silent"|"frozen"} */
  state(now) {
    if (now - this.arrived > SILENT_MS) return "silent";
    if (now - this.moved > STILL_MS) return "frozen";
    return this.seen ? "live" : "starting";
  }
}
