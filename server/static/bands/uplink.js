// A session's packets to the server, again after any break, until all of them are acknowledged: sensor/uplink.py in the
// browser. The person's own cookie lets it in; the server knows our pages by their origin.
import { encodeFrame } from "./frames.js";
import { entries, forget, keep } from "./journal.js";

const FIRST_MS = 100, LONGEST_MS = 5_000, TIMEOUT_MS = 10_000, SETBACKS = 2;
const LOCAL = "local"; // of a server without accounts
const OWNER = "header.hiprep-patient"; // whose session this is; the server refuses it of everybody else
const AGAIN = new Set([408, 425, 429, 500, 502, 503, 504, 507]);

class Refused extends Error {
  constructor(status, { detail = "", where = "" } = {}) {
    super(`${detail} (${status})`);
    Object.assign(this, { status, where });
  }
}

// trouble: null while it goes well; "offline", "logged_out", "consent",
// "closed" (ended by somebody else), "other_person", "declined_by_server" (detail says why).
export class Uplink {
  trouble = null;
  detail = "";
  id = null;
  next = 0; // the first index that is not acknowledged
  #setbacks = 0;
  #over = false;
  #done = false;
  #wake = () => {};
  #woken = false;

  // source: {entries(from), taken(index), forget()}; a session of before has its packets in the journal only. upTo "now": not
  // more than there is, whether it has ended or not.
  constructor(session, { source = null, onChange = () => {}, upTo = null } = {}) {
    Object.assign(this, { session, upTo });
    this.live = source !== null;
    this.source = source ?? { entries: (from) => entries(session.key, from), taken() {}, forget: () => forget(session.key) };
    this.onChange = onChange;
    this.id = session.id ?? null;
    // Where everything is sent and the session has ended: true. Left before: false.
    this.running = this.#run();
  }

  // There is something new to send, or the end, or perhaps a network.
  wake() {
    this.#woken = true;
    this.#wake();
  }

  leave() {
    this.#over = true;
    this.wake();
  }

  async #run() {
    addEventListener("online", () => this.wake());
    while (!this.#over && !this.#done) {
      try {
        await this.#step();
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        if (!(await this.#recovered(error))) {
          if (this.#over) break;
          const kind = error.where === OWNER ? "other_person" : { 401: "logged_out", 403: "consent" }[error.status];
          this.#say(kind ?? "declined_by_server", error.message);
          await this.#pause(LONGEST_MS); // log in again in another tab, agree there: it goes on
        }
      }
    }
    return this.#done;
  }

  // It has nothing to do any more: the server has all, or takes no more.
  get over() {
    return this.#done;
  }

  // One request, or a wait for something to send.
  async #step() {
    const { session } = this;
    if (this.id === null) {
      this.id = (await this.#ask("/api/v1/sessions", { json: session.told })).id;
      session.id = this.id;
      await keep(session).catch(() => {}); // on a full disk: the key tells the server as well
      this.onChange();
    }
    this.#woken = false;
    const some = await this.source.entries(this.next);
    if (some.length) await this.#send(some);
    else if (session.ended) {
      session.sent = true; // only the end is not confirmed: of one that has ended there nothing is sent again
      await keep(session).catch(() => {});
      const end = await this.#ask(`/api/v1/sessions/${this.id}/end`);
      this.result = end.result;
      await this.source.forget();
      this.#done = true;
      this.onChange();
    } else if (this.upTo === "now") this.#over = true;
    else await this.#pause();
  }

  async #send(some) {
    const answer = await this.#ask(`/api/v1/sessions/${this.id}/packets`, { body: encodeFrame(some) });
    const there = answer.acknowledged ?? -1, last = some.at(-1).index;
    if (answer.epoch !== 0 || (there < last && this.#setbacks === SETBACKS)) {
      throw new Refused(500, { detail: "the server does not hold what it took" });
    }
    this.#setbacks = there < last ? this.#setbacks + 1 : 0;
    this.next = there + 1;
    this.source.taken(there);
    this.onChange();
  }

  // What it refuses for a reason that we can do something about.
  async #recovered({ status, where }) {
    const { session } = this;
    if (status === 409 && where === "path.session_id") {
      if (session.sent || this.live) {
        // Only the answer was lost; or it was ended by somebody else, such as by a report of pain, and takes no more.
        const closed = !session.sent;
        session.sent = this.#done = true;
        await keep(session).catch(() => {}); // for who reloads now
        await this.source.forget();
        if (closed) this.#say("closed");
        return true;
      }
      // It was ended there before all had come, after days of silence: all of it again, as another session.
      session.told = { ...session.told, key: `${session.key.slice(0, 36)}-${Date.now().toString(36)}` };
    } else if (status === 404 && this.#setbacks < SETBACKS) this.#setbacks++; // its database is another one
    else if (status === 422 && where === "body.band" && session.told.band !== "band") session.told = { ...session.told, band: "band" };
    else return false;
    this.id = session.id = null;
    this.next = 0;
    await keep(session);
    return true;
  }

  // POST until it is answered; every request here may be sent twice without harm.
  async #ask(path, { json, body } = {}) {
    const headers = { "Content-Type": json ? "application/json" : "application/octet-stream", Accept: "application/json" };
    if (this.session.owner !== LOCAL) headers["Hiprep-Patient"] = this.session.owner;
    if (json && this.session.battery != null) headers["Hiprep-Battery"] = this.session.battery;
    for (let wait = FIRST_MS; ; wait = Math.min(2 * wait, LONGEST_MS)) {
      if (this.#over) throw new Refused(0);
      try {
        const answer = await fetch(path, {
          method: "POST", headers, body: json ? JSON.stringify(json) : body, redirect: "error",
          signal: AbortSignal.timeout(TIMEOUT_MS),
        });
        const found = await answer.json().catch(() => null);
        if (answer.ok && found) {
          this.#say(null);
          return found;
        }
        if (!answer.ok && !AGAIN.has(answer.status) && !answer.headers.has("Retry-After")) throw new Refused(answer.status, found ?? {});
        this.#say("offline", `${answer.status}`);
      } catch (error) {
        if (error instanceof Refused) throw error;
        this.#say("offline", error.message);
      }
      await this.#pause(wait * (0.5 + Math.random() / 2));
    }
  }

  #say(trouble, detail = "") {
    const changed = trouble !== this.trouble;
    Object.assign(this, { trouble, detail });
    if (changed) this.onChange();
  }

  async #pause(ms = null) {
    if (this.#woken && ms === null) return;
    await new Promise((go) => {
      this.#wake = go;
      if (ms !== null) setTimeout(go, ms);
    });
  }
}
