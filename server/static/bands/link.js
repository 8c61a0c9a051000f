// One connection to a band over Web Bluetooth: what sensor/ble.py and sensor/talk.py are on a computer.
import { MODELS } from "./models.js";

export const CONNECT_MS = 20_000, ANSWER_MS = 3_000; // of sensor/patience.py

export class Trouble extends Error {
  // kind: a key of the sentences in words.js
  constructor(kind, detail = "") {
    super(`${kind}${detail && `: ${detail}`}`);
    Object.assign(this, { kind, detail });
  }
}

// A promise of the browser's that may never settle.
export function within(ms, promise, kind = "away") {
  let timer;
  const late = new Promise((_, no) => {
    timer = setTimeout(() => no(new Trouble(kind, `no answer for ${ms / 1000} s`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

export class Link {
  #asked = new Set(); // {isAnswer, heard}
  #characteristics = new Map();
  #broken = null;
  #queue = Promise.resolve(); // GATT takes one operation at a time

  // onData(packet), onMessage(bytes): what is no answer to something asked. onBreak().
  constructor(device, { onData, onMessage, onBreak }) {
    Object.assign(this, { device, onData, onMessage, onBreak, open: false });
    this.gone = new Promise((_, no) => (this.#broken = no));
    this.gone.catch(() => {});
    this.onGone = () => {
      this.open = false;
      this.#broken(new Trouble("away", "the link went down"));
      this.onBreak();
    };
  }

  // Connects, finds out which model it is, and subscribes: what is sent before a subscription is lost.
  async connect(model = null) {
    const { device } = this;
    device.addEventListener("gattserverdisconnected", this.onGone);
    const server = await within(CONNECT_MS, device.gatt.connect());
    this.open = true;
    this.model = model ?? (await this.#modelOf(server));
    const found = await this.#step(() => server.getPrimaryService(this.model.services[0])).catch((error) => {
      throw error.name === "NotFoundError" ? new Trouble("wrong_model") : error;
    });
    const services = [found];
    for (const uuid of [...this.model.services.slice(1), "battery_service"]) {
      const more = await this.#step(() => server.getPrimaryService(uuid)).catch(() => null);
      if (more) services.push(more);
    }
    for (const service of services) {
      for (const one of await this.#step(() => service.getCharacteristics())) this.#characteristics.set(one.uuid, one);
    }
    for (const uuid of new Set([this.model.answer ?? this.model.data, this.model.data])) await this.#subscribe(uuid);
  }

  async #modelOf(server) {
    const services = await this.#step(() => server.getPrimaryServices());
    const there = new Set(services.map((service) => service.uuid));
    const model = MODELS.find((one) => there.has(one.services[0]));
    if (!model) throw new Trouble("wrong_model", this.device.name ?? "");
    return model;
  }

  async #subscribe(uuid) {
    const one = this.#of(uuid);
    one.addEventListener("characteristicvaluechanged", ({ target }) => {
      if (!this.open) return;
      const { buffer, byteOffset, byteLength } = target.value;
      const data = new Uint8Array(buffer.slice(byteOffset, byteOffset + byteLength));
      for (const asked of this.#asked) {
        if (!asked.isAnswer(data)) continue;
        this.#asked.delete(asked);
        return asked.heard(data);
      }
      if (uuid === this.model.data) this.onData(data);
      else this.onMessage(data);
    });
    await this.#step(() => one.startNotifications());
  }

  // A conversation of the model's to its end; its result.
  async talk(conversation) {
    let answer;
    for (;;) {
      const { done, value } = conversation.next(answer);
      if (done) return value;
      answer = await this.#said(value);
    }
  }

  // Percent; null: it does not say, or says what cannot be.
  async battery() {
    const one = this.#characteristics.get(this.model.battery ?? "00002a19-0000-1000-8000-00805f9b34fb");
    const percent = one ? (await this.#step(() => one.readValue())).getUint8(0) : null;
    return percent <= 100 ? percent : null;
  }

  close() {
    this.device.removeEventListener("gattserverdisconnected", this.onGone);
    this.open = false;
    this.#broken(new Trouble("away", "closed"));
    this.device.gatt.disconnect(); // ends an attempt to connect as well
  }

  async #said({ kind, uuid, data, ms, isAnswer }) {
    if (kind === "pause") return new Promise((go) => setTimeout(go, ms));
    if (kind === "read") {
      const { buffer, byteOffset, byteLength } = await this.#step(() => this.#of(uuid).readValue());
      return new Uint8Array(buffer.slice(byteOffset, byteOffset + byteLength));
    }
    if (kind === "write") return this.#write(uuid, data);
    const asked = { isAnswer };
    const heard = new Promise((go) => (asked.heard = go));
    this.#asked.add(asked);
    try {
      await this.#write(uuid, data);
      return await within(ANSWER_MS, Promise.race([heard, this.gone]));
    } finally {
      this.#asked.delete(asked);
    }
  }

  #write(uuid, data) {
    const one = this.#of(uuid);
    return this.#step(() => (one.properties.write ? one.writeValueWithResponse(data) : one.writeValueWithoutResponse(data)));
  }

  #of(uuid) {
    const one = this.#characteristics.get(uuid);
    if (!one) throw new Trouble("wrong_model", `no characteristic ${uuid}`);
    return one;
  }

  // One after the other, each with a time limit.
  #step(operation) {
    const turn = this.#queue.then(() => within(ANSWER_MS, Promise.race([operation(), this.gone])));
    this.#queue = turn.catch(() => {});
    return turn;
  }
}
