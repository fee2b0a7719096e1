// What happens in the room: server-sent events, read by fetch so that a silent connection, a full box and an ended
// session are told apart. Resumed after the last event heard; asked for again and again where no place is free.

import { ask } from "/static/api.js";
import { Ladder } from "./ladder.js";

const SILENT_MS = 4000; // the box says something every second and a half
const POLL_MS = 1000;
const POLLS = 10; // then a lasting connection is tried again

/** Event streams as text (HTML standard, 9.2.6), in pieces of any size. */
export class EventParser {
  constructor() {
    this.rest = "";
  }

  feed(text) {
    const blocks = (this.rest + text).split("\n\n");
    this.rest = blocks.pop();
    return blocks.map(parsed).filter((event) => event.data !== null);
  }
}

function parsed(block) {
  const event = { id: "", kind: "message", data: null };
  for (const line of block.split("\n")) {
    const at = line.indexOf(": ");
    if (at < 1) continue;
    const [name, value] = [line.slice(0, at), line.slice(at + 2)];
    if (name === "id") event.id = value;
    else if (name === "event") event.kind = value;
    else if (name === "data") event.data = JSON.parse(value);
  }
  return event;
}

/** Facts by name, kept up to date by events. */
export class Facts {
  constructor() {
    this.known = {};
    this.last = "";
  }

  /** Take an event; returns whether any fact may have changed. */
  take({ id, kind, data }) {
    if (kind === "snapshot") this.known = { ...data.facts };
    else if (kind === "change") {
      if (!isLater(id, this.last)) return false; // heard already, by the other way
      Object.assign(this.known, data.set);
      for (const name of data.gone) delete this.known[name];
    } else return false;
    this.last = id;
    return true;
  }
}

function isLater(id, last) {
  const [epoch, number] = id.split("-");
  const [before, heard] = last.split("-");
  return epoch !== before || Number(number) > Number(heard);
}

/** @typedef {{news(facts: object): void, beat(data: object): void, ended(problem?: Error): void}} Listener */

export class RoomEvents {
  /** @param {string} path @param {Listener} listener */
  constructor(path, listener) {
    this.path = path;
    this.listener = listener;
    this.facts = new Facts();
    this.ladder = new Ladder();
    this.heard = -Infinity;
    this.running = false;
    this.round = 0;
  }

  /** Milliseconds since the box was last heard. */
  get silence() { return performance.now() - this.heard; }

  start() {
    if (this.running) return;
    this.running = true;
    this.follow(this.round += 1);
  }

  stop() {
    this.running = false;
    this.round += 1;
    clearTimeout(this.timer);
    this.abort?.abort();
  }

  /** Ask at once, for somebody who has just done something. */
  async hurry() {
    try { await this.once(); } catch { /* the lasting connection finds out */ }
  }

  async follow(round) {
    while (this.running && round === this.round) {
      let wait = 0;
      try {
        await this.listen();
        wait = this.ladder.next();
      } catch (problem) {
        if (!this.running || round !== this.round) return;
        if (problem.status === 401) { this.listener.ended(problem); return; }
        if (problem.status === 503) await this.poll();
        else wait = this.ladder.next();
      }
      await this.pause(wait);
    }
  }

  async listen() {
    const abort = new AbortController();
    this.abort = abort;
    let silent = setTimeout(() => abort.abort(), SILENT_MS);
    try {
      const response = await ask(this.path, { signal: abort.signal, background: true, headers: this.headers() });
      const reader = response.body.getReader();
      const text = new TextDecoder();
      const parser = new EventParser();
      while (true) {
        const { value, done } = await reader.read();
        if (done) return;
        clearTimeout(silent);
        silent = setTimeout(() => abort.abort(), SILENT_MS);
        this.ladder.reset();
        this.take(parser.feed(text.decode(value, { stream: true })));
      }
    } finally {
      clearTimeout(silent);
      abort.abort();
    }
  }

  /** No place is free: ask for what is new, without staying. */
  async poll() {
    for (let count = 0; count < POLLS && this.running; count += 1) {
      try { await this.once(); } catch (problem) { if (problem.status === 401) throw problem; }
      await this.pause(POLL_MS);
    }
  }

  async once() {
    const signal = AbortSignal.timeout(SILENT_MS);
    const response = await ask(`${this.path}?once=true`, { signal, background: true, headers: this.headers() });
    this.take(new EventParser().feed(await response.text()));
  }

  headers() {
    return { Accept: "text/event-stream, application/problem+json", ...(this.facts.last ? { "Last-Event-ID": this.facts.last } : {}) };
  }

  take(events) {
    this.heard = performance.now();
    let news = false;
    for (const event of events) {
      if (event.kind === "beat") this.listener.beat(event.data);
      else if (event.kind === "end") this.listener.ended();
      else news = this.facts.take(event) || news;
    }
    if (news) this.listener.news(this.facts.known);
  }

  pause(ms) {
    return new Promise((done) => { this.timer = setTimeout(done, ms); });
  }
}
