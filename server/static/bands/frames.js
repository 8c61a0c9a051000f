// How packets travel to the server: sensor/frames.py in the browser.
const TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let i = 0; i < 8; i++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n;
});

export function crc32(data) {
  let crc = ~0;
  for (const byte of data) crc = TABLE[(crc ^ byte) & 0xff] ^ (crc >>> 8);
  return ~crc >>> 0;
}

// entries: {index, ns (BigInt), packet}. The epoch is 0: a session has one count, which goes on after a reload.
export function encodeFrame(entries) {
  const size = entries.reduce((sum, { packet }) => sum + 22 + packet.length, 6);
  const data = new Uint8Array(size + 4), at = new DataView(data.buffer);
  data.set([0x48, 0x50, 0x46, 0x32]); // HPF2
  at.setUint16(4, entries.length, true);
  let place = 6;
  for (const { index, ns, packet } of entries) {
    at.setBigUint64(place + 4, BigInt(index), true);
    at.setBigInt64(place + 12, ns, true);
    at.setUint16(place + 20, packet.length, true);
    data.set(packet, place + 22);
    place += 22 + packet.length;
  }
  at.setUint32(size, crc32(data.subarray(0, size)), true);
  return data;
}
