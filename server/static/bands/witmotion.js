// WitMotion: frames without time or number, alone, joined or split over notifications; sensor/devices/witmotion.py in
// the browser, where the sources stand.
import { ask, Declined, PacketError, pause, scaled, streamInfo, write } from "./steps.js";

const INFO = scaled(50, 16, 2000);
const RATE_CODE = 0x08; // 50 Hz
const WHOLE = 0x61, REGISTER = 0x71, ACC = 0x51, GYR = 0x52;
const STALE_MS = 250; // the rest of a frame comes at once or never
const SILENCE_MS = 300; // a hole; shorter ones cannot be told from a late packet

const sizeOf = (kind) => (kind === WHOLE || kind === REGISTER ? 20 : kind >> 4 === 5 ? 11 : 0);
const command = (register, value) => [0xff, 0xaa, register, value & 0xff, value >> 8];
export const UNLOCK = command(0x69, 0xb588), RATE = command(0x03, RATE_CODE), READ_RATE = command(0x27, 0x03);

// Short frames have a checksum; a long one is believed when nothing follows it, or the head of another.
function whole(data, at, size) {
  const end = at + size;
  if (size === 20) return end === data.length || data[end] === 0x55;
  return (data.subarray(at, end - 1).reduce((sum, byte) => sum + byte, 0) & 0xff) === data[end - 1];
}

function three(data, at) {
  return [0, 2, 4].map((i) => ((data[at + 2 + i] | (data[at + 3 + i] << 8)) << 16) >> 16);
}

export class Frames {
  dropped = 0;
  #rest = new Uint8Array();
  #restMs = 0;
  #acc = null;

  // Rows of counts.
  read(packet, ms) {
    if (!packet.length) throw new PacketError("empty notification (wanted bytes of a stream, got none)");
    if (this.#rest.length && ms - this.#restMs > STALE_MS) {
      this.#rest = new Uint8Array();
      this.#acc = null;
      this.dropped++;
    }
    this.#restMs = ms;
    const data = new Uint8Array(this.#rest.length + packet.length), rows = [];
    data.set(this.#rest);
    data.set(packet, this.#rest.length);
    let at = 0, found;
    while ((found = data.indexOf(0x55, at)) >= 0) {
      this.dropped += found > at;
      at = found;
      const size = at + 1 < data.length ? sizeOf(data[at + 1]) : 2;
      if (at + size > data.length) break;
      if (!size || !whole(data, at, size)) {
        this.dropped++;
        at++;
        continue;
      }
      const kind = data[at + 1], first = three(data, at);
      if (kind === WHOLE) rows.push([...first, ...three(data, at + 6)]);
      else if (kind === ACC) {
        this.dropped += this.#acc !== null;
        this.#acc = first;
      } else if (kind === GYR && this.#acc) {
        rows.push([...this.#acc, ...first]);
        this.#acc = null;
      }
      at += size;
    }
    this.#rest = found >= 0 ? data.slice(at) : new Uint8Array();
    this.dropped += found < 0 && at < data.length;
    return rows;
  }
}

class Reader {
  gaps = 0;
  #frames = new Frames();
  #ms = null;

  read(packet, ms) {
    this.gaps += this.#ms !== null && ms - this.#ms > SILENCE_MS;
    this.#ms = ms;
    const si = (count, i) => count * (i < 3 ? INFO.acc : INFO.gyr);
    return this.#frames.read(packet, ms).map((row) => [1 / INFO.rateHz, ...row.map(si)]);
  }
}

// The rate's code in the answer to READ_RATE, in the long frames' spelling or the short ones'.
export function rateTold(data) {
  for (const [head, size] of [[[0x55, REGISTER, 0x03, 0], 20], [[0x55, 0x5f], 11]]) {
    for (let at = 0; at < data.length; at++) {
      if (!head.every((byte, i) => data[at + i] === byte)) continue;
      if (data.length >= at + size) return data[at + head.length];
      break;
    }
  }
  return null;
}

function model(name, [service, data, control], filters) {
  const askRate = function* () {
    return rateTold(yield ask(control, READ_RATE, (answer) => rateTold(answer) !== null));
  };
  return {
    name, filters, data,
    services: [service],
    answer: data,
    waits: false, // it streams as long as somebody listens
    *hello() {
      yield* askRate();
      return streamInfo(INFO);
    },
    // Not saved: the band is at its own rate again when it is switched on the next time.
    *start() {
      for (const said of [UNLOCK, RATE]) {
        yield write(control, said);
        yield pause(100); // the maker's
      }
      const told = yield* askRate();
      if (told !== RATE_CODE) throw new Declined(`it does not take the rate (wanted code ${RATE_CODE}, got ${told})`);
    },
    stop: askRate,
    settings: (info) => info,
    reader: () => new Reader(),
  };
}

const NAMES = [{ namePrefix: "WT901" }, { namePrefix: "BWT901" }];
const uuids = (short, base) => short.map((n) => `0000${n}-0000-1000-8000-00805f${base}`);
// The makers' own base ends in 9a34fb, not in the adopted 9b34fb; some units have FFF0 in the adopted base instead.
export default model("witmotion", uuids(["ffe5", "ffe4", "ffe9"], "9a34fb"), NAMES);
export const short = model("witmotion-fff0", uuids(["fff0", "fff1", "fff2"], "9b34fb"), NAMES);
