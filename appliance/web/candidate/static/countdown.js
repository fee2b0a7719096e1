// Time left, counted on a clock that nobody can set: `performance.now` only ever grows, whatever the desk's clock does.

const NEAR_US = 800_000; // an answer that took a while differs by less: the shown time does not jump for it

export class Countdown {
  constructor(now = () => performance.now()) {
    this.now = now;
    this.left = null;
    this.moving = false;
    this.at = 0;
  }

  /** Take over what the box says was left at a moment of `now`; null: there is no end. */
  learn(leftUs, moving, at = this.now()) {
    const shown = this.leftUs();
    const told = leftUs === null || moving ? leftUs : Math.max(0, leftUs - (this.now() - at) * 1000);
    const near = shown !== null && told !== null && this.moving === moving && Math.abs(shown - told) < NEAR_US;
    this.moving = moving;
    if (near) return;
    this.left = told;
    this.at = this.now();
  }

  /** Microseconds left at this moment, null where there is no end. */
  leftUs() {
    if (this.left === null) return null;
    return this.moving ? this.left : Math.max(0, this.left - (this.now() - this.at) * 1000);
  }
}

/** `1:05:00`, `59:07`, `0:00`; a second that has begun counts. */
export function clockFace(us) {
  const seconds = Math.ceil(Math.max(0, us) / 1e6);
  const two = (number) => String(number).padStart(2, "0");
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  return hours ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

/** Which of the notes a candidate has not been told yet; what is still growing is told when it stands. */
export function newNotes(notes, known, moving) {
  if (moving) return [];
  const fresh = notes.filter((note) => !known.has(note.key));
  for (const note of fresh) known.add(note.key);
  return fresh;
}
