// What is said to a band, without saying it: generators of steps, each answered with bytes, as in sensor/conversation.py.
export const read = (uuid) => ({ kind: "read", uuid });
export const write = (uuid, data) => ({ kind: "write", uuid, data: Uint8Array.from(data) });
export const ask = (uuid, data, isAnswer) => ({ ...write(uuid, data), kind: "ask", isAnswer });
export const pause = (ms) => ({ kind: "pause", ms });

export class Declined extends Error {} // the band said no; the text says to what
export class PacketError extends Error {} // bytes that are not what they should be

export const GRAVITY = 9.80665; // m/s², CGPM 1901
export const RADIAN = Math.PI / 180;
export const view = (data) => new DataView(data.buffer, data.byteOffset, data.byteLength);
export const hex = (data) => Array.from(data, (byte) => byte.toString(16).padStart(2, "0")).join("");
export const unhex = (text) => Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));

// What stands for the info characteristic of a model that has none, as in sensor/stream.py:
// "HPI1", Hz, g, deg/s, m/s² of one count, rad/s of one count.
export function streamInfo({ rateHz, accG, gyrDps, acc, gyr }, more = 0) {
  const data = new Uint8Array(32 + more);
  data.set([0x48, 0x50, 0x49, 0x31]);
  const at = view(data);
  at.setFloat64(4, rateHz, true);
  at.setUint16(12, accG, true);
  at.setUint16(14, gyrDps, true);
  at.setFloat64(16, acc, true);
  at.setFloat64(24, gyr, true);
  return data;
}

// Full scale is 2^15 counts.
export const scaled = (rateHz, accG, gyrDps) =>
  ({ rateHz, accG, gyrDps, acc: (accG * GRAVITY) / 2 ** 15, gyr: (gyrDps * RADIAN) / 2 ** 15 });
