// A band in a page: the one door of this folder.
//
//   import { Band, elsewhere, sentences, supported, sync, unfinished } from "/static/bands/band.js";
//   const band = new Band({ owner, onChange: show, onPose: (leg) => drawing.draw(leg) });
//   button.onclick = () => band.connect();                  // needs the tap; raises Trouble, whose kind is a sentence's key
//   await band.record({ exercise, side, placement: "ankle" }); // everything from now on is kept and sent
//   await band.finish();                                     // kept; band.sent: true when the server has it all
//
// owner: id of the patient who is logged in, as the page says it. The link lives as long as the document: connect, set up
// and exercise in one page. show(band): band.state, band.trouble (a key of `sentences`), band.battery (percent or
// null), band.name, band.silent_s, band.session.id (of /sessions/ID/live, null until the server knows it), band.waiting
// (packets that only this phone has), band.sending, band.keeping (null, or why not).
// Is another tab at it? await elsewhere(); await alone() lasts until none is. After a reload: const session = await unfinished(owner); if there is one, button.onclick = () => band.resume(session).
import { awake } from "../awake.js";
import { Trouble } from "./link.js";
import { modelNamed } from "./models.js";
import { Pose } from "./pose.js";
import { hex, unhex } from "./steps.js";
import { allowed, choose, Supervisor, supported } from "./supervisor.js";
import { keep, Recording } from "./journal.js";
import { lockOf, WRITER } from "./sync.js";
import { Uplink } from "./uplink.js";
import { sentences } from "./words.js";

export { Leg } from "./pose.js";
export { alone, elsewhere, sync, unfinished } from "./sync.js";
export { sentences, supported, Trouble };

const LOCK_MS = 3_000; // another tab's last words

// Holds a lock until the returned function is called. Raises Trouble.
function locked(name) {
  return new Promise((have, no) => {
    navigator.locks
      .request(name, { signal: AbortSignal.timeout(LOCK_MS) }, () => new Promise((release) => have(release)))
      .catch(() => no(new Trouble("other_tab")));
  });
}

export class Band {
  session = null;
  sent = null; // a promise: everything is on the server
  #supervisor = null;
  #recording = null;
  #uplink = null;
  #pose = new Pose();
  #release = [];
  #dark = null; // lets the screen go dark again

  constructor({ owner, onChange = () => {}, onPose = () => {} }) {
    Object.assign(this, { owner, onChange, onPose });
    document.addEventListener("visibilitychange", () => this.#seen());
  }

  get state() {
    return this.#supervisor?.state ?? "none";
  }

  get trouble() {
    return this.#supervisor?.trouble?.kind ?? (this.#supervisor?.early ? "early" : null);
  }

  get detail() {
    return this.#supervisor?.trouble?.detail ?? "";
  }

  get name() {
    return this.#supervisor?.name ?? null;
  }

  get model() {
    return this.#supervisor?.model?.name ?? null;
  }

  get battery() {
    return this.#supervisor?.battery ?? null;
  }

  get silent_s() {
    return this.#supervisor?.silent_s ?? null;
  }

  get gaps() {
    return this.#supervisor?.reader?.gaps ?? 0;
  }

  get keeping() {
    return this.#recording?.problem ?? null;
  }

  get sending() {
    return this.#uplink?.trouble ?? null;
  }

  get waiting() {
    return this.#recording && !this.#uplink.over ? this.#recording.next - this.#uplink.next : 0;
  }

  // name: of the model, where it is known.
  async connect(name = null) {
    await this.#join(await choose(name), {});
  }

  // Now, instead of after the pause that grows.
  reconnect() {
    this.#supervisor?.again();
  }

  // Once the band has said what it is. exercise: null, to be recognised.
  async record({ exercise, side, placement = "ankle" }) {
    const { info, model, device } = this.#supervisor;
    if (!this.owner) throw new Trouble("nobody");
    const key = crypto.randomUUID();
    const told = {
      key, exercise, side, placement, driver: model.name, band: printable(this.name), info: hex(info),
      started_at: new Date().toISOString(),
    };
    const at = Date.now();
    await this.#keep({ key, owner: this.owner, told, device: device.id, name: this.name, battery: this.battery, at, id: null, ended: false });
  }

  // What was cut off by a reload or worse. Needs a tap where the browser has forgotten the band.
  async resume(session) {
    const device = (await allowed(session.device)) ?? (await choose(session.told.driver));
    if ((device.name || device.id) !== session.name) throw new Trouble("other_band", session.name);
    await this.#keep(session);
    const known = { model: modelNamed(session.told.driver), info: unhex(session.told.info), next: this.#recording.mark };
    await this.#join(device, known);
  }

  // Nothing more is wanted of the band; what was kept is on its way or waits for the network.
  async finish() {
    await this.#supervisor?.stop();
    const recording = this.#recording;
    if (!recording) return;
    await recording.settled();
    this.session.ended = true;
    if (!this.#uplink.over) await keep(this.session).catch(() => {}); // a full disk
    this.#uplink.wake();
    this.#dark();
    this.sent.finally(() => this.#release.forEach((release) => release()));
  }

  async #join(device, known) {
    await this.#supervisor?.stop();
    this.#pose = new Pose();
    this.#supervisor = new Supervisor(device, {
      known,
      onPacket: (packet, ms) => this.#recording?.put(packet, ms, this.#mark()),
      onSamples: (rows) => this.onPose(this.#pose.update(rows)),
      onState: () => queueMicrotask(() => this.onChange(this)),
    });
  }

  // What a reader has to know after a reload, to ask for what was missed.
  #mark() {
    const { model, reader } = this.#supervisor;
    return model.replay ? { boot: reader.boot, next: reader.next } : null;
  }

  async #keep(session) {
    this.#release = [await locked(WRITER), await locked(lockOf(session.key))];
    navigator.storage?.persist?.().catch(() => {}); // may ask; without it the browser may throw away what is old
    const told = () => this.onChange(this);
    this.session = session;
    this.#recording = await Recording.of(session, { onStored: () => this.#uplink?.wake(), onProblem: told });
    this.#uplink = new Uplink(session, { source: this.#recording, onChange: told });
    this.sent = this.#uplink.running;
    this.#dark ??= awake(); // a phone that locks its screen puts the page to sleep, and the link ends
  }

  #seen() {
    if (document.visibilityState !== "visible") return;
    this.reconnect();
    this.#uplink?.wake();
  }
}

// What a server takes as a name: no control characters.
function printable(name) {
  const clean = name.replace(/[\p{C}\p{Z}]/gu, " ").trim();
  return [...clean].slice(0, 128).join("") || "band";
}
