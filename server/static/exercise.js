// The exercise as it happens: position, set, rest, again, done. It knows only what the session's live socket says, and
// what was tapped here; a reload finds both again.
import { awake } from "./awake.js";
import { Memory } from "./exercise_memory.js";
import { Stage } from "./exercise_stage.js";
import { listen } from "./session_socket.js";
import { say } from "./voice.js";
import { _ } from "./words.js";

const HELD_S = 1.5; // still for so long is in position; the processing looks back 2 s (tracker.HELD_S)
const REST_S = 60; // between sets, as strength training for endurance rests (ACSM, MSSE 2009;41:687)
const ANSWERS_MS = 5000; // so long the count waits for the server's answer; no source
const CLOSES_MS = 3000; // so long the last repetition of a set may take to come to its rest
// What to do next time, by what was seen of a repetition: the first that fits is said, each once a set.
const CUES = [
  ["compensated", "pelvis"], ["missing_terminal_rotation", "foot"], ["early_rotation", "foot"],
  ["too_fast", "slower"], ["incomplete_return", "back"],
]; // prettier-ignore

// told: {id, plan: {sets, reps, tempo_s: [out, hold, back], target_deg} or null, titles, exercise, said, author,
// finish(): ends the session, where this page does not do it over HTTP itself}.
export function exercise(told) {
  const { id, plan } = told;
  const memory = new Memory(id);
  const stage = new Stage(told);
  let reps = []; // of the session, as the server reported them: the number-th at number - 1
  let caughtUp = Promise.resolve(); // with what happened before this connection; what it tells waits for that
  let now = null; // its newest state
  let cued = new Set();
  let speaks = false; // one tab of a session has the voice
  let closing = 0;
  let over = false;
  let ticked = Date.now();
  let view = "position";

  navigator.locks?.request(`voice:${id}`, () => new Promise(() => (speaks = true)));
  const dark = awake();

  // The set that is being done; in a rest that is paused the one that is over, whose count may be wrong. n: how many are before it.
  function present() {
    const n = memory.sets.length - (view === "paused" && memory.resting ? 1 : 0);
    return n < memory.sets.length ? { n, from: memory.sets[n].from, to: memory.from } : { n, from: memory.from, to: Infinity };
  }
  // What belongs to it: with a plan, everything between two rests; without, the server's newest set.
  const within = (i) => (plan ? i >= present().from && i < present().to : reps[i]?.set === reps.at(-1)?.set);
  const mine = () => reps.filter((_rep, i) => within(i) && !memory.removed.includes(i + 1));
  const added = () => memory.added.filter((one) => one.set === present().n).length;
  const counted = () => mine().filter((rep) => rep.counted).length + added();
  const roms = () => mine().filter((rep) => rep.counted).map((rep) => rep.rom_deg);

  function see(next) {
    view = next;
    stage.show(next);
    draw();
    tick();
  }

  function draw() {
    const list = mine();
    stage.counts({ counted: counted(), kinds: [...list.map(kindOf), ...Array(added()).fill("good")], set: present().n + 1, total: reps.length });
    if (now) stage.moves(now);
  }

  function corrected() {
    if (present().n < memory.sets.length) memory.recount(roms());
    draw();
  }

  async function catchUp() {
    try {
      const answer = await fetch(`/api/v1/sessions/${id}`, { signal: AbortSignal.timeout(ANSWERS_MS) });
      if (!answer.ok) return;
      reps = (await answer.json()).result.reps;
      if (plan && memory.fresh) memory.begin(setsOf(reps, plan.reps));
      draw();
      if (view === "position" && counted() && !memory.resting) see("set");
    } catch {} // the server is away; the socket says so
  }

  function event(message) {
    if (message.type === "other") return stage.cue("other", told.titles[message.exercise] ?? message.exercise);
    if (message.type === "set") return plan || stage.cue("set_over", "");
    const { event: what, number, rep } = message;
    const late = number < reps.length; // the result was here first, with others after it
    reps[number - 1] = rep;
    if (what === "closed") {
      advise(rep);
      draw();
      if (closing) nextSet();
      return;
    }
    if (view === "paused") return memory.remove(number); // getting up, walking about
    if (view !== "set") {
      memory.rest(null);
      see("set");
    }
    draw();
    if (late) return;
    if (what !== "counted") return advise(rep);
    stage.count(counted());
    if (speaks) say(`${counted()}`, "counted");
    if (plan && counted() >= plan.reps && !closing) closing = setTimeout(nextSet, CLOSES_MS);
  }

  function advise(rep) {
    const seen = rep.counted ? CUES.find(([what]) => rep[what] === true || rep.flags.includes(what)) : ["partial", "further"];
    if (!seen || cued.has(seen[1])) return;
    cued.add(seen[1]);
    const text = stage.cue(seen[1]);
    if (speaks && text) say(text, rep.counted ? "cue" : "partial");
  }

  function nextSet() {
    clearTimeout(closing);
    closing = 0;
    cued = new Set();
    memory.close(roms(), reps.length);
    if (memory.sets.length >= plan.sets) return finish("done");
    memory.rest(Date.now() + 1000 * REST_S);
    if (speaks) say(_("Rest"), "cue");
    see("rest");
  }

  function tick() {
    const back = ticked - Date.now(); // a clock that was put back makes no rest longer
    ticked -= back;
    if (back > 0 && memory.resting) memory.rest(memory.resting - back);
    if (over || !memory.resting || view !== "rest") return;
    const left = Math.ceil((memory.resting - Date.now()) / 1000);
    if (left <= 0) rested();
    else stage.rest(left, REST_S, memory.sets);
  }

  function rested() {
    memory.rest(null);
    if (speaks && view === "rest") say(_("Next set"), "cue");
    see("position");
  }

  function state(message) {
    now = message;
    if (over) return;
    stage.link(message);
    if (view === "position") {
      stage.hold(message.in_pose ? Math.min(1, message.still_s / HELD_S) : 0, message.connection === "receiving");
      if (message.in_pose && message.still_s >= HELD_S) see("set");
    }
    stage.moves(message);
  }

  async function finish(why) {
    if (over) return;
    memory.stopped = why;
    stage.busy(true);
    try {
      if (told.finish) await told.finish();
      else await ended_(await fetch(`/api/v1/sessions/${id}/end`, { method: "POST" }));
      await ended();
    } catch {
      stage.busy(false);
      stage.trouble();
    }
  }

  async function ended_(answer) {
    if (!answer.ok && answer.status !== 409) throw new Error(answer.status);
  }

  async function ended() {
    if (over) return;
    over = true;
    dark();
    see("over");
    stage.ended(`/sessions/${id}`, memory.stopped);
    const refused = await correct();
    if (refused) stage.uncorrected(refused);
    else if (memory.stopped) location.assign(`/sessions/${id}/done?stopped=${memory.stopped}`);
  }

  // What was tapped while it ran lies over the count, once there is one. How much of it the server did not take.
  async function correct() {
    const reason = _("tapped during the exercise");
    const wanted = [
      ...memory.removed.map((number) => ({ action: "remove", at_s: reps[number - 1].peak_s, reason })),
      ...memory.added.map(({ at_s, end_s }) => ({ action: "add", at_s, end_s, label: "good", reason })),
    ];
    memory.corrected();
    let refused = 0;
    for (const one of wanted) {
      const body = JSON.stringify({ ...one, author: told.author ?? null });
      const answer = await fetch(`/api/v1/sessions/${id}/corrections`, { method: "POST", headers: { "content-type": "application/json" }, body }).catch(() => null);
      if (!answer?.ok) refused++;
    }
    return refused;
  }

  stage.wire({
    begin: () => see("set"),
    pause: () => see("paused"),
    resume: () => see(memory.resting ? "rest" : counted() ? "set" : "position"),
    skip: rested,
    longer: () => memory.rest(memory.resting + 30_000),
    less: () => {
      const last = mine().findLast((rep) => rep.counted);
      if (added()) memory.takeBack();
      else if (last) memory.remove(reps.indexOf(last) + 1);
      corrected();
    },
    more: () => {
      const end_s = now?.t_s ?? 0, last = reps.at(-1)?.end_s ?? 0;
      const at_s = Math.max(last, memory.added.at(-1)?.end_s ?? 0, 0) + 0.01;
      const taken = memory.removed.findLast((number) => within(number - 1));
      if (taken) memory.restore(taken);
      else if (end_s > at_s) memory.add({ at_s, end_s: Math.min(end_s, at_s + 0.1), set: present().n });
      corrected();
    },
    stop: (why) => finish(why),
  });
  setInterval(tick, 200);
  listen(id, {
    state,
    joined: () => (caughtUp = caughtUp.then(catchUp)),
    event: (message) => caughtUp.then(() => event(message)),
    ended: () => caughtUp.then(ended),
    silent: (s) => over || stage.silent(s, now),
    refused: (why) => stage.refused(why),
  });
  see(memory.resting > Date.now() ? "rest" : "position");
  document.body.dataset.ready = "";
}

function kindOf(rep) {
  if (!rep.counted) return rep.flags.includes("partial") ? "partial" : "out_of_pose";
  return rep.compensated ? "compensated" : "good";
}

// On a device that has not seen the session before: whole sets are taken for done.
function setsOf(reps, size) {
  const sets = [];
  let from = 0, n = 0, roms = [];
  reps.forEach((rep, i) => {
    if (!rep.counted) return;
    n++;
    roms.push(rep.rom_deg);
    if (n === size) {
      sets.push({ roms, from });
      [from, n, roms] = [i + 1, 0, []];
    }
  });
  return { sets, from };
}
