// One camera's live picture: messages from the box into MediaSource, close to the present, never frozen unseen.
//
// Each message is 4 bytes length, 1 byte kind, payload (appliance/ipc/framing.py): J is JSON, I the
// initialisation segment, K a fragment that begins with a keyframe, F any other fragment.

const SILENT_MS = 3000; // without pictures for so long a camera is shown as lost
const STILL_EVERY_MS = 1000;
const RETRY_MS = [500, 1000, 1000, 2000, 3000, 5000];
const KEEP_S = 12;

export class LivePicture {
  /**
   * @param {HTMLElement} tile with video, img and the addresses in its dataset
   * @param {(state: "starting"|"live"|"stills"|"lost", reason: string) => void} changed
   */
  constructor(tile, changed) {
    this.video = tile.querySelector("video");
    this.image = tile.querySelector("img");
    this.streamPath = tile.dataset.stream;
    this.stillPath = tile.dataset.snapshot;
    this.changed = changed;
    this.running = false;
    this.tries = 0;
  }

  start({ stills = false } = {}) {
    if (this.running) return;
    this.running = true;
    this.watch = setInterval(() => this.look(), 250);
    if (stills || !window.MediaSource) this.showStills("");
    else this.connect();
  }

  stop() {
    this.running = false;
    clearInterval(this.watch);
    clearTimeout(this.retry);
    clearTimeout(this.stillTimer);
    this.stills = false;
    this.disconnect();
  }

  disconnect() {
    this.abort?.abort();
    this.abort = null;
    this.buffer = null;
    this.source = null;
    this.queue = [];
    if (this.address) URL.revokeObjectURL(this.address);
    this.address = null;
  }

  async connect() {
    this.disconnect();
    const abort = new AbortController();
    this.abort = abort;
    this.lastPicture = performance.now();
    try {
      const response = await fetch(this.streamPath, { signal: abort.signal, headers: { Accept: "application/json" } });
      if (!response.ok) throw Object.assign(new Error((await response.json()).detail), { status: response.status });
      await this.read(response.body.getReader(), abort);
      throw new Error(this.reason || "The camera's stream ended.");
    } catch (problem) {
      if (abort.signal.aborted && this.abort !== abort) return;
      if (problem.unplayable) this.showStills("This browser cannot play the camera's codec.");
      else this.lost(problem.status || !(problem instanceof TypeError) ? problem.message : "No connection to the box.");
    }
  }

  async read(reader, abort) {
    let rest = new Uint8Array(0);
    this.reason = "";
    while (!abort.signal.aborted) {
      const { value, done } = await reader.read();
      if (done) return;
      const data = new Uint8Array(rest.length + value.length);
      data.set(rest);
      data.set(value, rest.length);
      let at = 0;
      while (data.length - at >= 5) {
        const length = new DataView(data.buffer, at, 4).getUint32(0);
        if (data.length - at - 5 < length) break;
        this.take(String.fromCharCode(data[at + 4]), data.subarray(at + 5, at + 5 + length));
        at += 5 + length;
      }
      rest = data.subarray(at);
    }
  }

  take(kind, payload) {
    if (kind === "J") this.told(JSON.parse(new TextDecoder().decode(payload)));
    else if (kind === "I") this.begin(payload.slice());
    else this.append(payload.slice());
  }

  told(message) {
    if (message.state === "lost") {
      this.reason = message.reason || "The camera was lost.";
      this.abort?.abort();
      this.abort = null;
      this.lost(this.reason);
    } else if (message.codecs) {
      this.type = `video/mp4; codecs="${message.codecs}"`;
      if (!MediaSource.isTypeSupported(this.type)) throw Object.assign(new Error("codec"), { unplayable: true });
    }
  }

  begin(init) {
    const source = new MediaSource();
    this.source = source;
    this.queue = [init];
    this.address = URL.createObjectURL(source);
    this.image.hidden = true;
    this.video.hidden = false;
    this.video.src = this.address;
    this.placed = false;
    source.addEventListener("sourceopen", () => {
      if (this.source !== source) return;
      this.buffer = source.addSourceBuffer(this.type);
      this.buffer.addEventListener("updateend", () => this.feed());
      this.feed();
    }, { once: true });
  }

  append(fragment) {
    this.lastPicture = performance.now();
    this.queue.push(fragment);
    this.feed();
  }

  feed() {
    const buffer = this.buffer;
    if (!buffer || buffer.updating || this.source?.readyState !== "open") return;
    this.place(buffer);
    if (buffer.updating || !this.queue.length) return;
    const whole = new Blob(this.queue).size;
    const joined = new Uint8Array(whole);
    let at = 0;
    for (const piece of this.queue) { joined.set(piece, at); at += piece.length; }
    this.queue = [];
    try {
      buffer.appendBuffer(joined);
    } catch {
      this.lost("The picture could not be decoded.");
    }
  }

  /** Go to the present after the first pictures, and let go of old ones. */
  place(buffer) {
    const { buffered } = buffer;
    if (!buffered.length) return;
    const start = buffered.start(0);
    const end = buffered.end(buffered.length - 1);
    if (!this.placed) {
      this.placed = true;
      this.video.currentTime = Math.max(start, end - 0.1);
      this.video.play().catch(() => {});
    } else if (this.video.currentTime - start > 2 * KEEP_S) {
      buffer.remove(start, this.video.currentTime - KEEP_S);
    }
  }

  look() {
    const now = performance.now();
    if (this.stills || !this.abort) return;
    if (now - this.lastPicture > SILENT_MS) {
      this.lost("No pictures arrive.");
      return;
    }
    if (!this.placed || !this.buffer?.buffered.length) return;
    if (this.video.error) {
      this.lost("The picture could not be decoded.");
      return;
    }
    if (this.video.currentTime !== this.lastTime) {
      this.lastTime = this.video.currentTime;
      this.lastMove = now;
      if (this.video.readyState >= 2) {
        this.tries = 0;
        this.changed("live", "");
      }
    } else if (now - (this.lastMove ?? now) > SILENT_MS) {
      this.lost("The picture does not move.");
      return;
    }
    this.keepUp(this.buffer.buffered);
  }

  keepUp(buffered) {
    const behind = buffered.end(buffered.length - 1) - this.video.currentTime;
    if (behind > 1.5 || behind < -0.2) this.video.currentTime = buffered.end(buffered.length - 1) - 0.15;
    this.video.playbackRate = behind > 0.6 ? 1.1 : behind > 0.35 ? 1.05 : 1;
    if (this.video.paused) this.video.play().catch(() => {});
  }

  lost(reason) {
    if (!this.running) return;
    this.disconnect();
    this.lastMove = undefined;
    this.changed("lost", reason);
    clearTimeout(this.retry);
    this.retry = setTimeout(() => this.running && this.connect(), RETRY_MS[Math.min(this.tries, RETRY_MS.length - 1)]);
    this.tries += 1;
  }

  /** Still pictures, where moving ones are not possible. */
  showStills(reason) {
    this.disconnect();
    this.stills = true;
    this.stillReason = reason;
    this.video.hidden = true;
    this.image.hidden = false;
    this.nextStill();
  }

  nextStill() {
    if (!this.running || !this.stills) return;
    const probe = new Image();
    const dead = setTimeout(() => { probe.src = ""; failed(); }, SILENT_MS);
    const again = () => { clearTimeout(dead); this.stillTimer = setTimeout(() => this.nextStill(), STILL_EVERY_MS); };
    const failed = () => { probe.onload = probe.onerror = null; this.changed("lost", "No pictures arrive."); again(); };
    probe.onload = () => {
      if (!this.stills) return;
      this.image.src = probe.src;
      this.changed("stills", this.stillReason);
      again();
    };
    probe.onerror = failed;
    probe.src = `${this.stillPath}?at=${Date.now()}`;
  }
}
