// Still pictures of one camera, where moving ones are not possible.

const EVERY_MS = 1000;
const SILENT_MS = 3000;

export class Stills {
  /** @param {HTMLImageElement} image @param {(state: "stills"|"lost") => void} changed */
  constructor(image, path, changed) {
    this.image = image;
    this.path = path;
    this.changed = changed;
    this.round = 0;
  }

  get running() { return this.round > 0 && !this.image.hidden; }

  start() {
    if (this.running) return;
    this.image.hidden = false;
    this.next(this.round += 1);
  }

  stop() {
    this.round += 1;
    this.image.hidden = true;
    clearTimeout(this.timer);
    clearTimeout(this.late);
  }

  next(round) {
    const coming = new Image();
    const again = () => { clearTimeout(this.late); this.timer = setTimeout(() => this.next(round), EVERY_MS); };
    coming.onload = () => {
      if (round !== this.round) return;
      this.image.src = coming.src;
      this.changed("stills");
      again();
    };
    coming.onerror = () => {
      if (round !== this.round) return;
      coming.onload = coming.onerror = null;
      this.changed("lost");
      again();
    };
    this.late = setTimeout(() => { const failed = coming.onerror; coming.src = ""; failed?.(); }, SILENT_MS);
    coming.src = `${this.path}?at=${Date.now()}`;
  }
}
