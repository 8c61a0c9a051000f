// Sessions of before that are still on this device.
import { keep, sessions } from "./journal.js";
import { Uplink } from "./uplink.js";

const STALE_MS = 6 * 3600_000; // an unfinished session without packets for so long is over; no source

export const WRITER = "hiprep-band"; // the lock of the one tab that records
export const lockOf = (key) => `hiprep:${key}`; // whoever has it writes and sends this session

export async function elsewhere() {
  return (await navigator.locks.query()).held.some(({ name }) => name === WRITER);
}

// Once no tab records: it has finished, was closed, or has crashed a moment ago.
export const alone = () => navigator.locks.request(WRITER, () => {});

export async function unfinished(owner) {
  const mine = (await sessions()).filter((one) => one.owner === owner && !one.ended && Date.now() - one.at < STALE_MS);
  return mine.sort((a, b) => b.at - a.at)[0] ?? null;
}

// Sends what is still here of this person's. told(how many sessions are still to be sent, uplink).
export async function sync(owner, told = () => {}) {
  const mine = (await sessions()).filter((one) => one.owner === owner), busy = [];
  let left = mine.length;
  async function send(session) {
    if (!session.ended && Date.now() - session.at > STALE_MS) await keep(Object.assign(session, { ended: true }));
    const uplink = new Uplink(session, { upTo: session.ended ? null : "now", onChange });
    // One that may go on is not held for long.
    function onChange() {
      if (!session.ended && uplink.trouble) uplink.leave();
      told(left, uplink);
    }
    left -= await uplink.running;
  }
  for (const session of mine) {
    await navigator.locks.request(lockOf(session.key), { ifAvailable: true }, (lock) => (lock ? send(session) : busy.push(session.key)));
  }
  told(left, null);
  // Being recorded, or by a page that has only just gone: what is left of it then.
  for (const key of busy) {
    await navigator.locks.request(lockOf(key), async () => {
      const session = (await sessions()).find((one) => one.key === key);
      if (session) await send(session);
      else left--;
    });
    told(left, null);
  }
}
