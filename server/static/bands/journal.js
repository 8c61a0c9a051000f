// A session's packets on this phone, from the moment they arrive until the server has confirmed them all: sensor/spool.py
// in the browser. IndexedDB, "relaxed" as Chromium has it: what is stored survives the page, the tab and the browser
// however they end; a power cut may take the last seconds.
const NAME = "hiprep", VERSION = 1;
const BATCH = 256; // packets written at once, or read
const AGAIN_MS = 1000; // between attempts on a full disk

const done = (request) => new Promise((yes, no) => {
  request.onsuccess = () => yes(request.result);
  request.onerror = () => no(request.error);
});
const complete = (transaction) => new Promise((yes, no) => {
  transaction.oncomplete = yes;
  transaction.onabort = () => no(transaction.error);
});

const kindOf = (error) => (error?.name === "QuotaExceededError" ? "full" : "disk");

let opening = null;

export function database() {
  opening ??= (async () => {
    const request = indexedDB.open(NAME, VERSION);
    request.onupgradeneeded = () => {
      request.result.createObjectStore("sessions", { keyPath: "key" });
      request.result.createObjectStore("packets"); // [session, index] -> {ns, packet, mark}
      request.result.createObjectStore("owner"); // 0 -> whose phone this is, as far as it knows
    };
    const db = await done(request);
    db.onversionchange = () => db.close(); // another tab's is newer, or deletes it
    db.onclose = db.onversionchange;
    return db;
  })();
  return opening;
}

export async function sessions() {
  return done((await database()).transaction("sessions").objectStore("sessions").getAll());
}

// What is known of a session: {key, owner, told, model, info, device, battery, id, ended, at}.
export async function keep(session) {
  const transaction = (await database()).transaction("sessions", "readwrite");
  transaction.objectStore("sessions").put(session);
  return complete(transaction);
}

const all = (key, from = 0) => IDBKeyRange.bound([key, from], [key, Infinity]);

// With all its packets: the server has them, or the person does not want them.
export async function forget(key) {
  const transaction = (await database()).transaction(["sessions", "packets"], "readwrite");
  transaction.objectStore("sessions").delete(key);
  transaction.objectStore("packets").delete(all(key));
  return complete(transaction);
}

// All of a person's, and that it was their phone; for who logs out.
export async function forgetOf(person) {
  for (const session of await sessions()) if (session.owner === person) await forget(session.key);
  const transaction = (await database()).transaction("owner", "readwrite");
  transaction.objectStore("owner").clear();
  return complete(transaction);
}

// Who this device belongs to as far as it knows: whoever was last seen on it.
export async function owner(known = null) {
  const transaction = (await database()).transaction("owner", known === null ? "readonly" : "readwrite");
  const store = transaction.objectStore("owner");
  if (known !== null) store.put(known, 0);
  return known ?? (await done(store.get(0))) ?? "";
}

// Entries from this index on, in order.
export async function entries(key, from, most = BATCH) {
  const store = (await database()).transaction("packets").objectStore("packets");
  const range = all(key, from);
  const [keys, values] = await Promise.all([done(store.getAllKeys(range, most)), done(store.getAll(range, most))]);
  return values.map((value, i) => ({ index: keys[i][1], ...value }));
}

// The newest entry, whose mark is what a reader has to know to go on after it; null: there is none.
export async function last(key) {
  const store = (await database()).transaction("packets").objectStore("packets");
  const cursor = await done(store.openCursor(all(key), "prev"));
  return cursor && { index: cursor.key[1], ...cursor.value };
}

// Writes one session's packets. `put` never fails: what cannot be written waits in memory, in order.
export class Recording {
  problem = null; // "full", or "disk": why packets are not written now
  stored = 0; // packets
  next = 0; // index
  mark = null; // of the last packet that was stored before
  #late = [];
  #writing = null;
  #over = false;
  #offset = 0n; // a clock that was set back meanwhile goes on from where it was

  constructor(session, { onStored, onProblem }) {
    Object.assign(this, { session, onStored, onProblem });
  }

  // A new session, or one that goes on after a reload.
  static async of(session, more) {
    const recording = new Recording(session, more);
    const before = await last(session.key);
    if (before) {
      recording.next = recording.stored = before.index + 1;
      recording.mark = before.mark;
      const ns = BigInt(Math.round((performance.timeOrigin + performance.now()) * 1e3)) * 1000n;
      if (ns < before.ns) recording.#offset = before.ns - ns;
    }
    await keep(session).catch((error) => recording.#say(kindOf(error))); // it is written with the packets as well
    return recording;
  }

  get waiting() {
    return this.#late.length;
  }

  // ms since 1970; mark: what a reader has to know to go on after this packet. It is stored with it: one that was ahead of
  // what is stored would have nobody ask the band for what is missing.
  put(packet, ms, mark = null) {
    if (this.#over) return;
    const ns = BigInt(Math.round(ms * 1e3)) * 1000n + this.#offset;
    this.#late.push({ index: this.next++, ns, packet, mark });
    this.session.at = ms;
    this.#writing ??= this.#write();
  }

  // For the uplink: what is stored; while nothing can be stored also what waits, for that is the safer place.
  async entries(from) {
    const found = await entries(this.session.key, from);
    if (found.length || !this.problem) return found;
    return this.#late.filter(({ index }) => index >= from).slice(0, BATCH);
  }

  // The server has all up to this index on its disk: when ours is full, there is room.
  taken(index) {
    if (this.problem) this.#late = this.#late.filter((entry) => entry.index > index);
  }

  // The server has all of it, or takes no more: nothing is written from now on.
  async forget() {
    this.#over = true;
    this.#late = [];
    await this.#writing;
    await forget(this.session.key);
  }

  // When all is written, or cannot be.
  async settled() {
    while (this.#writing && !this.problem) await Promise.race([this.#writing, new Promise((go) => setTimeout(go, 50))]);
  }

  async #write() {
    while (this.#late.length) {
      const some = this.#late.slice(0, BATCH);
      try {
        const transaction = (await database()).transaction(["sessions", "packets"], "readwrite");
        const packets = transaction.objectStore("packets");
        for (const { index, ...entry } of some) packets.put(entry, [this.session.key, index]);
        transaction.objectStore("sessions").put(this.session);
        await complete(transaction);
        this.#late = this.#late.filter(({ index }) => index > some.at(-1).index);
        this.stored = some.at(-1).index + 1;
        this.#say(null);
        this.onStored();
      } catch (error) {
        this.#say(kindOf(error));
        this.onStored(); // the uplink takes what waits
        await new Promise((go) => setTimeout(go, AGAIN_MS));
      }
    }
    this.#writing = null;
  }

  #say(problem) {
    if (problem === this.problem) return;
    this.problem = problem;
    this.onProblem();
  }
}
