// What was tapped and which sets are done, of one session: kept by the tab, so that a reload in mid-set changes nothing.
export class Memory {
  #key;
  #kept;

  constructor(id) {
    this.#key = `exercise:${id}`;
    const kept = JSON.parse(sessionStorage.getItem(this.#key) ?? "null");
    this.fresh = kept === null;
    this.#kept = kept ?? { sets: [], from: 0, removed: [], added: [], resting: null, stopped: null };
  }

  // Those that are over: their ranges of motion, and which repetition was the first.
  get sets() {
    return this.#kept.sets;
  }

  // The first repetition that belongs to the present set.
  get from() {
    return this.#kept.from;
  }

  // By their numbers in the session.
  get removed() {
    return this.#kept.removed;
  }

  get added() {
    return this.#kept.added;
  }

  // Until when, ms since 1970, or null.
  get resting() {
    return this.#kept.resting;
  }

  get stopped() {
    return this.#kept.stopped;
  }

  set stopped(why) {
    this.#keep({ stopped: why });
  }

  begin({ sets, from }) {
    this.fresh = false;
    this.#keep({ sets, from });
  }

  // The present set, with the ranges of motion in it; the next one begins with repetition `next`.
  close(roms, next) {
    this.#keep({ sets: [...this.sets, { roms, from: this.from }], from: next });
  }

  // The set that is over, corrected in the rest after it.
  recount(roms) {
    this.#keep({ sets: [...this.sets.slice(0, -1), { ...this.sets.at(-1), roms }] });
  }

  rest(until) {
    this.#keep({ resting: until });
  }

  remove(number) {
    this.#keep({ removed: [...this.removed.filter((one) => one !== number), number] });
  }

  add(one) {
    this.#keep({ added: [...this.added, one] });
  }

  restore(number) {
    this.#keep({ removed: this.removed.filter((one) => one !== number) });
  }

  takeBack() {
    this.#keep({ added: this.added.slice(0, -1) });
  }

  corrected() {
    this.#keep({ removed: [], added: [] });
  }

  #keep(what) {
    Object.assign(this.#kept, what);
    sessionStorage.setItem(this.#key, JSON.stringify(this.#kept));
  }
}
