// What the exercise's screens show. Nothing here decides; an angle that is not of now is not drawn.
import { _, ngettext, number } from "./words.js";

const SET = 10; // dots drawn ahead where nothing is prescribed
const CUE_MS = 5000; // no source
const CHARGE_SOON = 20; // percent, as sensor/patience.py
const LIMITS_DEG = 5; // SERVICE: a change of less is no measurable one
const MOTION = matchMedia("(prefers-reduced-motion: no-preference)");
const el = (id) => document.getElementById(id);
const ICON = { pelvis: "compensated", foot: "compensated", slower: "compensated", back: "partial", further: "partial" };
const SAID = {
  pelvis: _("Keep your pelvis still"),
  foot: _("Turn the foot up at the top"),
  slower: _("Slower"),
  back: _("All the way back"),
  further: _("A little further"),
  set_over: _("Set finished"),
};
const KINDS = { good: _("good"), compensated: _("compensated"), partial: _("partial") };

export class Stage {
  constructor({ plan, titles, exercise, said }) {
    Object.assign(this, { plan, titles, exercise, said });
    this.shapes = Object.fromEntries(Object.keys(KINDS).map((kind) => [kind, el("shapes").content.querySelector(`.shape.${kind}`)]));
    el("stage").hidden = false;
    this.named(exercise);
    this.#tempo();
  }

  wire(does) {
    for (const name of ["begin", "pause", "resume", "skip", "longer", "less", "more"]) el(name).addEventListener("click", does[name]);
    el("stop").addEventListener("click", () => el("why").showModal());
    el("why").addEventListener("close", () => el("why").returnValue && does.stop(el("why").returnValue));
    el("why").addEventListener("cancel", () => (el("why").returnValue = ""));
  }

  named(exercise) {
    text("exercise", [this.titles[exercise] ?? _("Any exercise"), this.said].join(", "));
    const pose = document.querySelector(`[data-pose="${exercise ?? ""}"]`);
    el("drawing").replaceChildren(pose.querySelector("svg").cloneNode(true));
    el("how").replaceChildren(...pose.querySelector("ol").cloneNode(true).children);
  }

  show(view) {
    document.body.dataset.view = view;
    for (const part of document.querySelectorAll("[data-view]")) if (part !== document.body) part.hidden = part.dataset.view !== view;
    el("pause").hidden = ["paused", "over"].includes(view);
    el("stop").hidden = view === "over";
    if (view === "set") this.guide?.play();
    else this.guide?.cancel();
    if (view === "paused") el("resume").focus();
    if (view === "over") el("done").focus();
  }

  count(n) {
    text("count", n);
    text("spoken", n);
  }

  counts({ counted, kinds, set }) {
    text("count", counted);
    text("corrected", counted);
    text("of", this.plan ? _("of %(n)s", { n: this.plan.reps }) : "");
    if (this.plan) text("set", _("Set %(n)s of %(all)s", { n: Math.min(set, this.plan.sets), all: this.plan.sets }));
    for (const kind of Object.keys(KINDS)) text(kind, kinds.filter((one) => one === kind).length);
    if (`${kinds}` !== this.drawn) this.#dots(kinds);
    this.drawn = `${kinds}`;
  }

  #dots(kinds) {
    const list = kinds.filter((kind) => kind in KINDS);
    const items = list.map((kind) => {
      const item = document.createElement("li"), word = document.createElement("span");
      word.className = "unseen";
      word.textContent = KINDS[kind];
      item.append(this.shapes[kind].cloneNode(true), word);
      return item;
    });
    for (let n = list.filter((kind) => kind !== "partial").length; n < (this.plan?.reps ?? SET); n++) {
      const item = document.createElement("li");
      item.className = "open";
      item.ariaHidden = "true";
      items.push(item);
    }
    el("dots").replaceChildren(...items);
  }

  // The live angle, and where it should go.
  moves({ angle_deg, in_pose, connection, usual_deg, exercise, set }) {
    if (exercise && exercise !== this.exercise) this.named((this.exercise = exercise));
    if (!this.plan) text("set", set ? _("Set %(n)s", { n: set }) : _("Not begun"));
    const known = angle_deg !== null && connection === "receiving";
    const goal = this.plan?.target_deg ?? usual_deg;
    const end = Math.max(45, 1.25 * ((goal ?? 0) + LIMITS_DEG)); // degrees at the right end of the bar
    el("stage").classList.toggle("still", !known);
    text("angle", known ? `${number(Math.max(0, Math.round(angle_deg)))}°` : "–");
    text("pose", !known ? "" : !in_pose ? _("not in position") : goal === null ? "" : this.plan?.target_deg ? _("target %(n)s°", { n: Math.round(goal) }) : _("usual %(n)s°", { n: Math.round(goal) }));
    el("fill").style.transform = `scaleX(${known ? Math.min(1, Math.max(0, angle_deg / end)).toFixed(3) : 0})`;
    if (goal !== this.goal) this.#goal(goal, end);
  }

  // Seldom: it lays the bar out anew.
  #goal(goal, end) {
    this.goal = goal;
    el("goal").hidden = goal === null;
    if (goal === null) return;
    el("goal").style.setProperty("--from", (goal - LIMITS_DEG) / end);
    el("goal").style.setProperty("--to", (goal + LIMITS_DEG) / end);
    el("tempo").style.setProperty("--reach", goal / end);
  }

  // A mark that goes out, stays and comes back as prescribed.
  #tempo() {
    if (!this.plan || !MOTION.matches) return;
    const [out, hold, back] = this.plan.tempo_s, all = out + hold + back || 1;
    el("tempo").hidden = false;
    const rest = { transform: "none" }, top = { transform: "translateX(calc(100% * var(--reach, 0.7)))" }; // moved without laying out anew
    this.guide = el("tempo").animate([rest, { ...top, offset: out / all }, { ...top, offset: (out + hold) / all }, rest], { duration: 1000 * all, iterations: Infinity });
    this.guide.cancel();
  }

  cue(what, more = "") {
    const words = what === "other" ? _("This looks like %(name)s. It is not counted.", { name: more }) : SAID[what];
    const shape = this.shapes[ICON[what]];
    el("cue").replaceChildren(...(shape ? [shape.cloneNode(true)] : []), words);
    el("cue").dataset.kind = ICON[what] ?? "";
    clearTimeout(this.cueing);
    this.cueing = setTimeout(() => el("cue").replaceChildren(), CUE_MS);
    return words;
  }

  hold(share, receiving) {
    el("ring").style.setProperty("--share", share);
    text("hold", !receiving ? _("Waiting for the band.") : share >= 1 ? _("Go.") : share > 0.3 ? _("Hold still …") : _("Get into position and hold still."));
  }

  rest(left, of, sets) {
    text("seconds", left >= 60 ? `${Math.floor(left / 60)}:${`${left % 60}`.padStart(2, "0")}` : left);
    el("left").style.setProperty("--share", Math.min(1, left / of));
    text("next", _("Then set %(n)s of %(all)s: %(exercise)s", { n: sets.length + 1, all: this.plan.sets, exercise: el("exercise").textContent }));
    const roms = sets.at(-1)?.roms ?? [], most = Math.max(...roms, this.plan.target_deg ?? 0, 1);
    if (`${roms}` === this.bars) return;
    this.bars = `${roms}`;
    el("roms").ariaLabel = ngettext("Range of motion of %(num)s repetition: %(list)s", "Range of motion of %(num)s repetitions: %(list)s", roms.length, { list: roms.map((rom) => `${Math.round(rom)}°`).join(", ") });
    el("roms").replaceChildren(...roms.map((rom) => {
      const bar = document.createElement("span");
      bar.style.setProperty("--share", rom / most);
      bar.dataset.deg = `${Math.round(rom)}°`;
      return bar;
    }));
  }

  link({ connection, silent_s, packets, message, battery_percent: left }) {
    if (left !== this.left) this.#battery((this.left = left));
    text("physio", message ? `${message.by}: ${message.text}` : "");
    if (connection === "receiving") this.#connection("receiving", _("band connected"), "");
    else if (connection === "lost") this.#connection("lost", _("no packets"), _("For %(n)s s. What has arrived is safe; the count goes on when the band is back.", { n: Math.round(silent_s) }));
    else this.#connection("waiting", _("waiting for the band"), packets ? _("What had arrived before is counted.") : "");
  }

  // As it was when the session began; null: not known.
  #battery(n) {
    if (n === null) text("battery-left", "");
    else text("battery-left", n > CHARGE_SOON ? _("Battery of the band: %(n)s %%", { n }) : _("Battery of the band: %(n)s %%. Charge it after this session.", { n }));
  }

  silent(seconds, last) {
    if (last) this.moves({ ...last, angle_deg: null });
    this.#connection("lost", _("no word from the server"), _("For %(n)s s. The count is the last one heard. This page tries again by itself.", { n: seconds }));
  }

  refused(why) {
    if (why === "login") this.#connection("lost", _("logged out"), _("Load this page again to log in. What the band sends is counted all the same."));
    else this.#connection("lost", _("no such session"), _("The server does not know this session."));
  }

  trouble() {
    this.#connection("lost", _("not stored"), _("The server does not answer."));
  }

  busy(yes) {
    for (const button of document.querySelectorAll(".stage-foot button")) button.disabled = yes;
  }

  ended(page, stopped) {
    this.moves({ angle_deg: null, in_pose: false, connection: "ended", usual_deg: null, set: 0 });
    this.#connection("ended", _("finished and stored"), "");
    text("stored", _("Everything is stored."));
    el("done").href = `${page}/done${stopped ? `?stopped=${stopped}` : ""}`;
    el("open").href = page;
  }

  uncorrected(n) {
    text("stored", ngettext("Everything is stored, but not your correction of the count (%(num)s). Tell your physio.", "Everything is stored, but not your corrections of the count (%(num)s). Tell your physio.", n));
  }

  #connection(kind, words, explain) {
    if (el("connection").className !== `tag ${kind}`) el("connection").className = `tag ${kind}`;
    text("connection", words);
    text("explain", explain);
  }
}

function text(name, value) {
  if (el(name).textContent !== `${value}`) el(name).textContent = value;
}
