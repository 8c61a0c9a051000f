// Movella (Xsens) DOT: one sample a notification, rate quantities (mode 21); sensor/devices/movella_dot.py in the
// browser, where the sources stand.
import { Declined, PacketError, RADIAN, read, scaled, streamInfo, view, write } from "./steps.js";

const uuid = (number) => `1517${number}-4947-11e9-8646-d663bd873d93`;
const DEVICE_CONTROL = uuid("1002"), MEASUREMENT = uuid("2001"), MEDIUM = uuid("2003"), BATTERY = uuid("3001");
const RATE_QUANTITIES = 21, SIZE = 28;
const INFO = scaled(60, 16, 2000);
const CONTROL_SIZE = 32, VISIT_RATE = 0x10, RATE_AT = 24;

// µs, and m/s² and rad/s.
export function decode(data) {
  if (data.length < SIZE) throw new PacketError(`packet is cut off (wanted at least ${SIZE} bytes, got ${data.length})`);
  const at = view(data);
  const values = [0, 1, 2, 3, 4, 5].map((i) => at.getFloat32(4 + 4 * i, true) * (i < 3 ? 1 : RADIAN));
  if (!values.every((value) => Math.abs(value) < 1e6)) throw new PacketError("impossible value in a packet");
  return { us: at.getUint32(0, true), values };
}

class Reader {
  gaps = 0;
  #us = null;

  read(packet) {
    const { us, values } = decode(packet);
    const step = this.#us === null ? 0 : (us - this.#us) >>> 0;
    this.#us = us;
    this.gaps += step > 1.5e6 / INFO.rateHz;
    return [[1 / INFO.rateHz, ...values]];
  }
}

function* deviceControl() {
  const told = yield read(DEVICE_CONTROL);
  if (told.length !== CONTROL_SIZE) throw new Declined(`wrong length of the device control (got ${told.length} bytes)`);
  return told;
}

function* stop() {
  yield write(MEASUREMENT, [1, 0, RATE_QUANTITIES]);
}

export default {
  name: "movella-dot",
  filters: [{ namePrefix: "Movella DOT" }, { namePrefix: "Xsens DOT" }],
  services: ["2000", "1000", "3000"].map(uuid), // the first says that it is one
  data: MEDIUM,
  answer: null,
  battery: BATTERY,
  waits: true,
  *hello() {
    yield* deviceControl();
    return streamInfo(INFO);
  },
  *start() {
    yield* stop();
    const told = yield* deviceControl();
    const wanted = Uint8Array.from(told);
    wanted[0] = VISIT_RATE;
    view(wanted).setUint16(RATE_AT, INFO.rateHz, true);
    yield write(DEVICE_CONTROL, wanted);
    const rate = view(yield* deviceControl()).getUint16(RATE_AT, true);
    if (rate !== INFO.rateHz) throw new Declined(`it does not take the rate (wanted ${INFO.rateHz} Hz, got ${rate} Hz)`);
    yield write(MEASUREMENT, [1, 1, RATE_QUANTITIES]);
  },
  stop,
  settings: (info) => info,
  reader: () => new Reader(),
};
