// A band that stays with us: connects, starts, watches, reconnects, asks for what was missed. sensor/band.py in the browser.
import { Link, Trouble } from "./link.js";
import { wanted } from "./models.js";
import { Declined, PacketError } from "./steps.js";

// ms, of sensor/patience.py
const SILENCE = 3_000, DEAF = 30_000, BACKOFF = 500, BACKOFF_MOST = 30_000, GOOD = 5_000, GIVE_UP = 600_000;
const GARBLED = 5; // packets that cannot be read, and none that can: it is not the radio
const now = () => performance.now();

export const supported = () => Boolean(globalThis.navigator?.bluetooth?.requestDevice);

// Asks the person which band; needs a tap. Raises Trouble.
export async function choose(name = null) {
  if (!supported()) throw new Trouble("unsupported");
  if (!(await navigator.bluetooth.getAvailability())) throw new Trouble("adapter_off");
  try {
    return await navigator.bluetooth.requestDevice(wanted(name));
  } catch (error) {
    const kind = { NotFoundError: "none_chosen", NotAllowedError: "refused", SecurityError: "refused" }[error.name];
    throw new Trouble(kind ?? "refused", error.message);
  }
}

// The band that was chosen before, where the browser still allows it; else null, and it takes a tap.
export async function allowed(id) {
  const devices = (await navigator.bluetooth?.getDevices?.()) ?? [];
  return devices.find((device) => device.id === id) ?? null;
}

// state: "connecting", "streaming", "silent" (no packet for 3 s), "reconnecting", "ended" (the band said so),
// "stopped" (we did), "failed" (for good, or until `again`: see `trouble`).
export class Supervisor {
  state = "connecting";
  trouble = null;
  model = null;
  info = null;
  battery = null;
  reader = null;
  reconnects = 0;
  early = 0; // packets that came before they were asked for
  damaged = 0;
  #link = null;
  #streaming = false;
  #over = false;
  #ended = null; // the number that would come after the last packet
  #stopped = false; // by the band itself
  #heard = 0;
  #started = 0;
  #attempt = 0;
  #garbled = 0;
  #wake = () => {};

  // onPacket(packet, ms): each one from the start on. onSamples(rows), onState().
  // known: {model, info, next}: of the session that goes on, the band's next number if it has them.
  constructor(device, { onPacket, onSamples, onState, known = {} }) {
    Object.assign(this, { device, onPacket, onSamples, onState, ...known });
    this.running = this.#run();
  }

  get name() {
    return this.device.name || this.device.id;
  }

  // Since the last packet.
  get silent_s() {
    return (now() - Math.max(this.#heard, this.#started)) / 1000;
  }

  // A tap, or the page is seen again: do not wait any longer.
  again() {
    if (this.state === "failed" && !this.#over) this.running = this.#run();
    else this.#wake("again");
  }

  async stop() {
    this.#over = true;
    this.#wake();
    await this.running;
  }

  command(kind) {
    return this.#link.talk(this.model[kind]());
  }

  #set(state, trouble = null) {
    Object.assign(this, { state, trouble });
    this.onState();
  }

  async #run() {
    let lost = now(), trouble = null;
    this.#set(this.reader ? "reconnecting" : "connecting");
    while (!this.#over) {
      try {
        await this.#open();
        this.#set("streaming");
        if (await this.#follow()) break;
        if (this.#heard - this.#started > GOOD) this.#attempt = 0;
        lost = Math.max(this.#heard, this.#started);
        trouble = new Trouble("asleep");
      } catch (error) {
        trouble = asTrouble(error);
        if (["wrong_model", "declined", "changed", "unreadable"].includes(trouble.kind)) return this.#fail(trouble);
      }
      this.#close();
      if (this.#over) break;
      if (now() - lost > GIVE_UP) return this.#fail(trouble);
      if (!(await navigator.bluetooth.getAvailability())) trouble = new Trouble("adapter_off");
      this.#set(this.reader ? "reconnecting" : "connecting", trouble);
      await this.#pause(Math.min(BACKOFF * 2 ** Math.min(this.#attempt++, 30), BACKOFF_MOST) * (0.5 + Math.random() / 2));
    }
    if (this.#link?.open) await this.#link.talk(this.model.stop()).catch(() => {});
    this.#close();
    this.#set(this.#over ? "stopped" : "ended");
  }

  async #open() {
    this.#streaming = false;
    const link = (this.#link = new Link(this.device, {
      onData: (packet) => this.#data(packet),
      onMessage: (data) => this.#message(data),
      onBreak: () => this.#wake(),
    }));
    await link.connect(this.model);
    this.model = link.model;
    const info = await link.talk(this.model.hello());
    const settings = (bytes) => `${this.model.settings(bytes)}`;
    if (this.info && settings(info) !== settings(this.info)) throw new Trouble("changed");
    this.info ??= info;
    this.battery = await link.battery().catch(() => null);
    const again = this.reader !== null;
    this.reader ??= this.model.reader(this.info);
    if (this.next) Object.assign(this.reader, this.next); // of before a reload
    this.next = null;
    this.#streaming = true;
    this.#garbled = 0;
    this.#ended = null;
    this.#stopped = false;
    this.#started = now();
    await this.#replay();
    await link.talk(this.model.start(this.info));
    this.#started = now();
    this.reconnects += again;
  }

  // From the first packet that is missing on.
  async #replay() {
    if (!this.model.replay || this.reader.next === null) return;
    this.reader.from(await this.#link.talk(this.model.replay(this.reader.next)));
  }

  // Until the band has ended (true) or the link is of no more use (false).
  async #follow() {
    let hole = null, asked = false;
    while (this.#link.open && !this.#over) {
      const ahead = this.reader.ahead?.size ? this.reader.next : null;
      if (ahead !== null && ahead !== hole) await this.#replay(); // a link in order loses nothing, but computers do
      hole = ahead;
      if (this.#stopped) return false; // and connected anew
      if (this.#ended !== null) {
        if (asked || this.#ended === this.reader.next) return true;
        asked = true; // once more for what is missing, then it is lost
        this.#ended = null;
        await this.#replay();
        continue;
      }
      const why = await this.#pause(SILENCE);
      if (!this.#link.open || this.#over) return false;
      if (why) {
        if (this.state === "silent" && why === "packet") this.#set("streaming");
        continue;
      }
      if (this.#garbled >= GARBLED && this.#heard < this.#started) throw new Trouble("unreadable", this.unread);
      this.#set("silent");
      const silent = now() - Math.max(this.#heard, this.#started);
      if (silent > DEAF || !this.model.ping) return false;
      await this.#link.talk(this.model.ping());
    }
    return false;
  }

  #data(packet) {
    if (!this.#streaming) {
      this.early += this.model.waits;
      return;
    }
    const ms = performance.timeOrigin + now();
    let rows;
    try {
      rows = this.reader.read(packet, ms);
    } catch (error) {
      if (!(error instanceof PacketError)) throw error;
      this.damaged++;
      this.#garbled++;
      this.unread = error.message;
      return;
    }
    this.#heard = now();
    this.onPacket(packet, ms);
    if (rows.length) this.onSamples(rows);
    this.#wake("packet");
  }

  #message(data) {
    if (this.model.stopped?.(data)) this.#stopped = true;
    else if (this.model.ended?.(data)) this.#ended = data[1] | (data[2] << 8);
    else return;
    this.#wake("ended");
  }

  #fail(trouble) {
    this.#close();
    this.#set("failed", trouble);
  }

  #close() {
    this.#streaming = false;
    this.#link?.close();
  }

  // Until something happens (what), at most so long (undefined).
  #pause(ms) {
    return new Promise((go) => {
      const timer = setTimeout(go, ms);
      this.#wake = (why = "break") => {
        clearTimeout(timer);
        go(why);
      };
    });
  }
}

function asTrouble(error) {
  if (error instanceof Trouble) return error;
  if (error instanceof Declined) return new Trouble(/MTU/.test(error.message) ? "mtu" : "declined", error.message);
  if (error instanceof PacketError) return new Trouble("unreadable", error.message);
  return new Trouble("away", error.message);
}
