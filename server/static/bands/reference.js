// The reference band, as firmware_notes/ specifies it; sensor/devices/reference.py in the browser.
import { ask, Declined, PacketError, read, view } from "./steps.js";

const [SERVICE, DATA, CONTROL, INFO] = [1, 2, 3, 4].map((i) => `c8e3118${i}-752d-40ac-9a9d-3d911210e4a0`);
const VERSION_TYPE = 0x11;
const RATES_HZ = [, 25, 50, 100, 200];
const COMMANDS = [, "start", "stop", "replay", "ping", "identify"];
const PROBLEMS = [null, "unknown command", "impossible value", "MTU too small"];
const SIZES = { replay: 5, ping: 9 }; // of answers; the others have 3 bytes
const ANSWER = 0xf0, ENDED = 0xe0;
const HEADER = 12, MOST = 19; // bytes; samples

export function decode(data) {
  if (data.length < HEADER) throw new PacketError(`packet is cut off (wanted at least ${HEADER} bytes, got ${data.length})`);
  const at = view(data), n = data[10], rateHz = RATES_HZ[data[11]];
  if (data[0] !== VERSION_TYPE) throw new PacketError(`unknown version or type of a packet (wanted 17, got ${data[0]})`);
  if (n < 1 || n > MOST) throw new PacketError(`impossible sample count of a packet (wanted 1 to ${MOST}, got ${n})`);
  if (!rateHz) throw new PacketError(`unknown rate code of a packet (wanted 1 to 4, got ${data[11]})`);
  if (data.length !== HEADER + 12 * n) throw new PacketError(`wrong length of a packet of ${n} samples (got ${data.length})`);
  const row = (i) => Array.from({ length: 6 }, (_, j) => at.getInt16(HEADER + 12 * i + 2 * j, true));
  return {
    flags: data[1], seq: at.getUint16(2, true), us: at.getUint32(4, true), boot: at.getUint16(8, true), rateHz,
    counts: Array.from({ length: n }, (_, i) => row(i)),
  };
}

export function decodeInfo(data) {
  const at = view(data);
  if (data.length !== 20) throw new PacketError(`wrong length of the info (wanted 20 bytes, got ${data.length})`);
  if (data[0] !== VERSION_TYPE) throw new PacketError(`unknown version or type in the info (wanted 17, got ${data[0]})`);
  const info = {
    rateHz: RATES_HZ[data[1]], accG: data[2], gyrDps: at.getUint16(4, true), boot: at.getUint16(6, true),
    acc: at.getFloat32(8, true), gyr: at.getFloat32(12, true),
  };
  if (!info.rateHz) throw new PacketError(`unknown rate code in the info (wanted 1 to 4, got ${data[1]})`);
  if (data[16] !== 1 || data[17] !== 2 || data[18] !== 3) throw new PacketError("unknown axes in the info (wanted 1, 2, 3)");
  if (!(info.acc > 0 && info.acc < 1 && info.gyr > 0 && info.gyr < 1)) throw new PacketError("impossible scale in the info");
  return info;
}

export function decodeMessage(data) {
  const at = view(data);
  if (data.length === 3 && data[0] === ENDED) return { kind: "ended", values: [at.getUint16(1, true)] };
  if (data.length < 3 || data[0] !== ANSWER) throw new PacketError("neither answer nor event from the control point");
  const kind = COMMANDS[data[1]] ?? "unknown";
  const problem = data[2] ? PROBLEMS[data[2]] ?? `status ${data[2]}` : null;
  const size = (!problem && SIZES[kind]) || 3;
  if (data.length !== size) throw new PacketError(`wrong length of the answer to ${kind} (wanted ${size}, got ${data.length})`);
  if (kind === "unknown") return { kind, values: [data[1]], problem };
  const values = size === 5 ? [at.getUint16(3, true)] : size === 9 ? [at.getUint32(3, true), at.getUint16(7, true)] : [];
  return { kind, values, problem };
}

function isAnswer(kind) {
  return (data) => {
    try {
      return decodeMessage(data).kind === kind;
    } catch {
      return false;
    }
  };
}

function* command(kind, ...more) {
  const said = decodeMessage(yield ask(CONTROL, [COMMANDS.indexOf(kind), ...more], isAnswer(kind)));
  if (said.problem) throw new Declined(said.problem);
  return said.values;
}

const u16 = (value) => [value & 0xff, value >> 8];

// Knows which packet is the first that is missing, and draws.
class Reader {
  constructor(info) {
    this.info = decodeInfo(info);
    this.gaps = 0; // packets given up
    this.boot = null;
    this.next = null; // the number to come
    this.ahead = new Set(); // numbers that came before it
  }

  read(packet) {
    const { seq, boot, rateHz, counts } = decode(packet);
    if (boot !== this.boot) Object.assign(this, { boot, next: seq, ahead: new Set() });
    const step = (seq - this.next) & 0xffff;
    if (step >= 0x8000 || this.ahead.has(seq)) return []; // again
    this.ahead.add(seq);
    this.#goOn();
    const { acc, gyr } = this.info;
    return counts.map((row) => [1 / rateHz, ...row.map((count, i) => count * (i < 3 ? acc : gyr))]);
  }

  // The band begins its replay there: what is before is gone.
  from(seq) {
    const lost = (seq - this.next) & 0xffff;
    if (lost >= 0x8000) return;
    for (let i = 0; i < lost; i++) this.gaps += !this.ahead.delete((this.next + i) & 0xffff);
    this.next = seq;
    this.#goOn();
  }

  #goOn() {
    while (this.ahead.delete(this.next)) this.next = (this.next + 1) & 0xffff;
  }
}

export default {
  name: "hiprep-band",
  filters: [{ services: [SERVICE] }],
  services: [SERVICE],
  data: DATA,
  answer: CONTROL,
  waits: true, // sends nothing before it is asked
  *hello() {
    const info = yield read(INFO);
    decodeInfo(info);
    return info;
  },
  *start(info) {
    const { rateHz, accG, gyrDps } = decodeInfo(info);
    yield* command("start", RATES_HZ.indexOf(rateHz), accG, ...u16(gyrDps));
  },
  stop: () => command("stop"),
  ping: () => command("ping"),
  identify: () => command("identify"),
  *replay(seq) {
    return (yield* command("replay", ...u16(seq)))[0];
  },
  // Is this message the band's last word?
  ended(data) {
    return isAnswer("ended")(data);
  },
  settings: (info) => info.map((byte, i) => (i === 6 || i === 7 ? 0 : byte)), // but for the number of its start
  reader: (info) => new Reader(info),
};
