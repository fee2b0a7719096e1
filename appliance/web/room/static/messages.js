// The stream's messages: 4 bytes length, 1 byte kind, payload (appliance/ipc/framing.py).

const PREFIX = 5;
const NONE = new Uint8Array(0);
const MAX_MESSAGE = 64 * 1024 * 1024;

/** Cuts bytes that come in pieces of any size into whole messages. */
export class Messages {
  constructor() {
    this.pieces = [];
    this.waiting = 0;
    this.wanted = PREFIX;
  }

  /** The messages that are now complete, as `[kind, payload]`; payloads are copies and may be kept. */
  feed(piece) {
    this.pieces.push(piece);
    this.waiting += piece.length;
    // Joined only when a message is whole: a large one that comes in many pieces is not copied for each of them.
    if (this.waiting < this.wanted) return [];
    const data = this.pieces.length === 1 ? piece : joined(this.pieces, this.waiting);
    const view = new DataView(data.buffer, data.byteOffset, data.length);
    const found = [];
    let at = 0;
    this.wanted = PREFIX;
    while (data.length - at >= PREFIX) {
      const length = view.getUint32(at);
      if (length > MAX_MESSAGE) throw new Error("a message is too long");
      this.wanted = PREFIX + length;
      if (data.length - at < this.wanted) break;
      found.push([String.fromCharCode(data[at + 4]), data.slice(at + PREFIX, at + this.wanted)]);
      at += this.wanted;
      this.wanted = PREFIX;
    }
    this.pieces = at < data.length ? [data.slice(at)] : [];
    this.waiting = data.length - at;
    return found;
  }
}

export function joined(pieces, length = pieces.reduce((sum, piece) => sum + piece.length, 0)) {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) { whole.set(piece, at); at += piece.length; }
  return length ? whole : NONE;
}
