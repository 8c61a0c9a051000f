// Polar Verity Sense: acceleration and angular velocity as two streams of delta frames (PMD);
// sensor/devices/polar_verity_sense.py in the browser, where the sources stand.
import { ask, Declined, GRAVITY, hex, PacketError, RADIAN, read, streamInfo, view } from "./steps.js";

const [SERVICE, CONTROL, DATA] = [0, 1, 2].map((i) => `fb005c8${i}-02e7-f387-1cad-8acd2d8df0c8`);
const ACC = 2, GYR = 5, STREAMS = [ACC, GYR];
const SETTINGS = 1, START = 2, STOP = 3;
const WIDTHS = [2, 2, 2, 4, 1, 4, 16], FACTOR = 5; // rate, resolution, range, milliunits, channels, factor, security
const RATE_HZ = 52, RANGES = { [ACC]: 8, [GYR]: 2000 };
const HEAD = 10, COMPRESSED = 0x80, MOST = 1024; // bytes; samples of a frame

export function decodeSettings(data) {
  const found = {};
  for (let at = 0; at < data.length; ) {
    const kind = data[at], count = data[at + 1] ?? 0, width = WIDTHS[kind];
    if (!width || !count || at + 2 + count * width > data.length) throw new PacketError(`broken settings at byte ${at}`);
    found[kind] = Array.from({ length: count }, (_, i) => {
      const value = data.subarray(at + 2 + i * width, at + 2 + (i + 1) * width);
      return kind === FACTOR ? view(value).getFloat32(0, true) : value.reduceRight((sum, byte) => sum * 256 + byte, 0);
    });
    at += 2 + count * width;
  }
  return found;
}

export const chosen = (stream) => [0, 1, RATE_HZ, 0, 1, 1, 16, 0, 2, 1, RANGES[stream] & 0xff, RANGES[stream] >> 8, 4, 1, 3];

// A reference sample of three `width`-bit numbers and blocks of differences.
export function deltas(data, width) {
  const size = width / 8, at32 = view(data);
  if (data.length < 3 * size) throw new PacketError(`truncated frame (wanted ${3 * size} bytes, got ${data.length})`);
  let row = [0, 1, 2].map((i) => (size === 2 ? at32.getInt16(2 * i, true) : at32.getInt32(4 * i, true)));
  const rows = [row];
  for (let at = 3 * size; at < data.length; ) {
    const bits = data[at], count = data[at + 1] ?? 0, end = at + 2 + Math.ceil((3 * bits * count) / 8);
    if (!bits || bits > 32 || !count || end > data.length || rows.length + count > MOST) {
      throw new PacketError(`broken block of differences at byte ${at}`);
    }
    let bit = 8 * (at + 2);
    for (let i = 0; i < count; i++) {
      row = row.map((value) => {
        let step = 0;
        for (let j = 0; j < bits; j++, bit++) if ((data[bit >> 3] >> (bit & 7)) & 1) step += 2 ** j;
        return value + (step >= 2 ** (bits - 1) ? step - 2 ** bits : step);
      });
      rows.push(row);
    }
    at = end;
  }
  return rows;
}

function floats(rows, factor) {
  const bits = new DataView(new ArrayBuffer(4));
  return rows.map((row) => row.map((value) => {
    bits.setInt32(0, value | 0);
    const found = bits.getFloat32(0);
    if (!(Math.abs(found) < 1e6)) throw new PacketError("impossible angular velocity in a frame of floats");
    return found * factor * RADIAN;
  }));
}

// Stream, ns of the last sample, m/s² or rad/s. Without factors: whether it can be one.
export function decode(data, { accFactor = 1, gyrFactor = 1 } = {}) {
  if (data.length <= HEAD) throw new PacketError(`packet is cut off (wanted more than ${HEAD} bytes, got ${data.length})`);
  const stream = data[0] & 0x3f, frame = data[9], body = data.subarray(HEAD), ns = view(data).getBigUint64(1, true);
  const times = (rows, factor) => rows.map((row) => row.map((value) => value * factor));
  const as = (values) => ({ stream, ns, values });
  if (stream === ACC && frame === 1) {
    if (body.length % 6) throw new PacketError(`wrong length of a raw frame (got ${body.length})`);
    const at = view(body);
    const rows = Array.from({ length: body.length / 6 }, (_, i) => [0, 2, 4].map((j) => at.getInt16(6 * i + j, true)));
    return as(times(rows, 1e-3 * GRAVITY));
  }
  if (stream === ACC && frame === COMPRESSED) return as(times(deltas(body, 16), accFactor * GRAVITY));
  if (stream === ACC && frame === (COMPRESSED | 1)) return as(times(deltas(body, 16), accFactor * 1e-3 * GRAVITY));
  if (stream === GYR && frame === COMPRESSED) return as(times(deltas(body, 16), gyrFactor * RADIAN));
  if (stream === GYR && frame === (COMPRESSED | 1)) return as(floats(deltas(body, 32), gyrFactor));
  throw new PacketError(`unknown frame (got stream ${stream}, type ${frame})`);
}

// A factor of 1 means acceleration in mG, any other one g a count.
export function infoOf(accFactor, gyrFactor) {
  const acc = GRAVITY * (accFactor === 1 ? 1e-3 : accFactor);
  const data = streamInfo({ rateHz: RATE_HZ, accG: RANGES[ACC], gyrDps: RANGES[GYR], acc, gyr: gyrFactor * RADIAN }, 8);
  view(data).setFloat32(32, accFactor, true);
  view(data).setFloat32(36, gyrFactor, true);
  return data;
}

const factorsOf = (info) => ({ accFactor: view(info).getFloat32(32, true), gyrFactor: view(info).getFloat32(36, true) });

// Draws each angular velocity with the newest acceleration.
class Reader {
  gaps = 0;
  #acc = null;
  #ns = {};

  constructor(info) {
    this.factors = factorsOf(info);
  }

  read(packet) {
    const { stream, ns, values } = decode(packet, this.factors);
    const before = this.#ns[stream];
    if (before !== undefined && ns <= before && before - ns < 1_000_000_000n) return []; // again
    this.gaps += before !== undefined && Number(ns - before) > ((values.length + 0.5) / RATE_HZ) * 1e9;
    this.#ns[stream] = ns;
    if (stream === ACC) this.#acc = values.at(-1);
    return stream === GYR && this.#acc ? values.map((gyr) => [1 / RATE_HZ, ...this.#acc, ...gyr]) : [];
  }
}

function* command(op, stream, more = [], whatever = false) {
  const isAnswer = (data) => data.length > 3 && data[0] === 0xf0 && data[1] === op && data[2] === stream;
  const answer = yield ask(CONTROL, [op, stream, ...more], isAnswer);
  if (answer[3] && !whatever) {
    const why = { 10: "MTU too small", 13: "it is in the charger" }[answer[3]] ?? `status ${answer[3]}`;
    throw new Declined(`stream ${stream}: ${why}`);
  }
  return answer.subarray(5);
}

// Start a stream, which another client may have left running; its factor.
function* begin(stream) {
  yield* command(STOP, stream, [], true);
  return decodeSettings(yield* command(START, stream, chosen(stream)))[FACTOR]?.[0] ?? 1;
}

export default {
  name: "polar-verity-sense",
  filters: [{ namePrefix: "Polar Sense" }],
  services: [SERVICE],
  data: DATA,
  answer: CONTROL,
  waits: true,
  // The factors are told at a start only: so start, listen, and stop.
  *hello() {
    const features = yield read(CONTROL);
    if (!((features[1] >> ACC) & (features[1] >> GYR) & 1)) throw new Declined(`it offers no acceleration with angular velocity (got ${hex(features)})`);
    const factors = [];
    for (const stream of STREAMS) {
      const offered = decodeSettings(yield* command(SETTINGS, stream));
      for (const [kind, [wanted]] of Object.entries(decodeSettings(Uint8Array.from(chosen(stream))))) {
        if (offered[kind] && !offered[kind].includes(wanted)) throw new Declined(`stream ${stream}: setting ${kind} (wanted ${wanted}, offered ${offered[kind]})`);
      }
      factors.push(yield* begin(stream));
      yield* command(STOP, stream);
    }
    if (!factors.every((factor) => factor > 1e-9 && factor < 1e3)) throw new PacketError(`impossible factor (got ${factors})`);
    return infoOf(...factors);
  },
  *start(info) {
    const { accFactor, gyrFactor } = factorsOf(info);
    for (const [stream, wanted] of [[ACC, accFactor], [GYR, gyrFactor]]) {
      const factor = yield* begin(stream);
      if (factor !== wanted) throw new Declined(`stream ${stream}: another factor than before (wanted ${wanted}, got ${factor})`);
    }
  },
  *stop() {
    for (const stream of STREAMS) yield* command(STOP, stream, [], true);
  },
  // Did it stop by itself: one of our streams, or it does not say which?
  stopped: (data) => data[0] === 0x01 && (data.length === 1 || data.subarray(1).some((kind) => STREAMS.includes(kind & 0x3f))),
  settings: (info) => info,
  reader: (info) => new Reader(info),
};
