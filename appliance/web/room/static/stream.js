// The live pictures of all shown cameras over one connection, made anew whenever it breaks or falls silent.

import { _ } from "/static/text.js";
import { ask } from "/static/api.js";
import { Ladder } from "./ladder.js";
import { Messages } from "./messages.js";

const SILENT_MS = 2500; // the box says something each second
const FULL_MS = 5000;

/** @typedef {{begun(cameras: string[]): void, message(camera: string, kind: string, payload: Uint8Array): void,
 *             cut(reason: string, problem?: Error): void}} Receiver */

export class LiveStream {
  /** @param {string} path @param {Receiver} receiver */
  constructor(path, receiver) {
    this.path = path;
    this.receiver = receiver;
    this.ladder = new Ladder();
    this.cameras = [];
    this.watch = 0;
  }

  /** Show these cameras; the pictures of the ones shown before go on until the new connection delivers. */
  show(cameras) {
    this.cameras = cameras;
    this.ladder.reset();
    this.connect();
  }

  close() {
    clearTimeout(this.retry);
    clearInterval(this.watch);
    this.watch = 0;
    this.coming?.abort();
    this.current?.abort();
    this.coming = this.current = null;
  }

  async connect() {
    clearTimeout(this.retry);
    this.coming?.abort();
    if (!this.watch) this.watch = setInterval(() => this.look(), 200);
    if (!this.cameras.length) { this.close(); return; }
    const cameras = this.cameras;
    const abort = new AbortController();
    this.coming = abort;
    this.heard = performance.now();
    try {
      const query = new URLSearchParams(cameras.map((camera) => ["camera", camera]));
      const response = await ask(`${this.path}?${query}`, { signal: abort.signal, background: true });
      await this.read(response.body.getReader(), abort, cameras);
      throw new Error(_("The box ended the connection."));
    } catch (problem) {
      if (abort.signal.aborted && abort !== this.silent) return; // another connection has taken its place
      this.broken(problem, abort);
    }
  }

  async read(reader, abort, cameras) {
    const messages = new Messages();
    let camera = "";
    while (true) {
      const { value, done } = await reader.read();
      if (done || abort.signal.aborted) return;
      this.heard = performance.now();
      if (abort === this.coming) this.take(abort, cameras);
      for (const [kind, payload] of messages.feed(value)) {
        if (kind === "C") camera = cameras[payload[0]];
        else if (kind !== "H") this.receiver.message(camera, kind, payload);
      }
    }
  }

  take(abort, cameras) {
    this.current?.abort();
    this.current = abort;
    this.coming = null;
    this.ladder.reset();
    this.receiver.begun(cameras);
  }

  look() {
    const reading = this.coming ?? this.current;
    if (!reading || performance.now() - this.heard < SILENT_MS) return;
    this.silent = reading;
    reading.abort();
    if (reading !== this.current) this.current?.abort();
  }

  broken(problem, abort) {
    if (abort !== this.coming && abort !== this.current) return;
    const taken = abort === this.coming && this.current && problem.status === 503;
    this.coming = null;
    this.current?.abort();
    this.current = null;
    if (taken) { // the last free place is the one just given back
      this.retry = setTimeout(() => this.connect(), this.ladder.next());
      return;
    }
    const known = problem.status > 0;
    this.receiver.cut(known ? problem.message : _("No connection to the box."), problem);
    if (problem.status === 401) return;
    this.retry = setTimeout(() => this.connect(), problem.status === 503 ? FULL_MS : this.ladder.next());
  }
}
