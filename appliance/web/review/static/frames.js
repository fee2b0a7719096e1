// When each picture of a fragment is shown: read from its boxes, so that stepping goes from picture to picture
// whatever the camera's rate does. ISO/IEC 14496-12: mdhd 8.4.2, hdlr 8.4.3, tfhd 8.8.7, trun 8.8.8, tfdt 8.8.12.

const MOST_BOXES = 20_000;

function* boxesOf(view, from, to) {
  let at = from;
  for (let count = 0; at + 8 <= to && count < MOST_BOXES; count += 1) {
    let size = view.getUint32(at);
    let head = 8;
    if (size === 1 && at + 16 <= to) { size = Number(view.getBigUint64(at + 8)); head = 16; }
    if (size === 0) size = to - at;
    if (size < head || at + size > to) return;
    const name = String.fromCharCode(view.getUint8(at + 4), view.getUint8(at + 5), view.getUint8(at + 6), view.getUint8(at + 7));
    yield { name, from: at + head, to: at + size };
    at += size;
  }
}

function inside(view, box, ...path) {
  let here = box;
  for (const name of path) {
    let found = null;
    for (const child of boxesOf(view, here.from, here.to)) if (child.name === name) { found = child; break; }
    if (!found) return null;
    here = found;
  }
  return here;
}

/** The picture's track in an initialisation segment: its number, its time scale and its usual duration; null if there is none. */
export function pictureTrack(data) {
  const view = new DataView(data);
  const all = { from: 0, to: data.byteLength };
  const moov = inside(view, all, "moov");
  if (!moov) return null;
  for (const trak of boxesOf(view, moov.from, moov.to)) {
    if (trak.name !== "trak") continue;
    const kind = inside(view, trak, "mdia", "hdlr");
    const time = inside(view, trak, "mdia", "mdhd");
    const head = inside(view, trak, "tkhd");
    if (!kind || !time || !head || view.getUint32(kind.from + 8) !== 0x76696465) continue;
    const id = view.getUint32(head.from + (view.getUint8(head.from) === 1 ? 20 : 12));
    return { id, scale: view.getUint32(time.from + (view.getUint8(time.from) === 1 ? 20 : 12)), usual: usualDuration(view, moov, id) };
  }
  return null;
}

function usualDuration(view, moov, id) {
  const extends_ = inside(view, moov, "mvex");
  if (!extends_) return 0;
  for (const trex of boxesOf(view, extends_.from, extends_.to)) {
    if (trex.name === "trex" && view.getUint32(trex.from + 4) === id) return view.getUint32(trex.from + 12);
  }
  return 0;
}

/** When the pictures of fragments are shown, in seconds of their own time, in order; empty where that cannot be read. */
export function pictureTimes(data, track) {
  const view = new DataView(data);
  const found = [];
  try {
    for (const moof of boxesOf(view, 0, data.byteLength)) {
      if (moof.name !== "moof") continue;
      for (const traf of boxesOf(view, moof.from, moof.to)) if (traf.name === "traf") found.push(...timesOf(view, traf, track));
    }
  } catch (problem) {
    if (!(problem instanceof RangeError)) throw problem;
    return [];
  }
  return found.sort((a, b) => a - b);
}

function timesOf(view, traf, track) {
  const head = inside(view, traf, "tfhd");
  const start = inside(view, traf, "tfdt");
  if (!head || !start || view.getUint32(head.from + 4) !== track.id) return [];
  const flags = view.getUint32(head.from) & 0xffffff;
  const skipped = (flags & 1 ? 8 : 0) + (flags & 2 ? 4 : 0);
  const usual = flags & 8 ? view.getUint32(head.from + 8 + skipped) : track.usual;
  let time = view.getUint8(start.from) === 1 ? Number(view.getBigUint64(start.from + 4)) : view.getUint32(start.from + 4);
  const found = [];
  for (const run of boxesOf(view, traf.from, traf.to)) {
    if (run.name !== "trun") continue;
    const has = view.getUint32(run.from) & 0xffffff;
    const version = view.getUint8(run.from);
    const count = Math.min(view.getUint32(run.from + 4), MOST_BOXES);
    let at = run.from + 8 + (has & 1 ? 4 : 0) + (has & 4 ? 4 : 0);
    for (let n = 0; n < count; n += 1) {
      let duration = usual;
      let shift = 0;
      if (has & 0x100) { duration = view.getUint32(at); at += 4; }
      if (has & 0x200) at += 4;
      if (has & 0x400) at += 4;
      if (has & 0x800) { shift = version ? view.getInt32(at) : view.getUint32(at); at += 4; }
      found.push((time + shift) / track.scale);
      time += duration;
    }
  }
  return found;
}
