// The page of a band: find it, see that it is the right one, begin; then the exercise, in the same document, because the
// link lives as long as that. What was begun here and cut off goes on here.
import { alone, Band, elsewhere, Leg, sentences, supported, sync, unfinished } from "./bands/band.js";
import { owner as remembered } from "./bands/journal.js";
import { _, ngettext } from "./words.js";

const el = (id) => document.getElementById(id);
const owner = document.querySelector("meta[name=owner]")?.content || (await remembered());
const wanted = new URLSearchParams(location.search);
const { titles, sides, colours } = el("band").dataset;
const WEAK_MS = 5_000; // since a packet was lost; no source
const exercising = () => import("./exercise.js"); // after the rest of the page, and before it is needed
const leg = new Leg(el("leg"));
const band = new Band({ owner, onChange: show, onPose: (where) => leg.draw(where) });
let before = await unfinished(owner), other = await elsewhere();
let waitingBefore = 0;
let stage = false;
let ending = null;
let lost = 0, lostAt = -Infinity;

for (const change of ["online", "offline"]) addEventListener(change, show);

function say(text) {
  if (el("say").textContent !== text) el("say").textContent = text;
}

function show() {
  const { state, trouble, battery, session, detail } = band;
  const there = ["streaming", "silent"].includes(state);
  const going = session !== null && !session.ended;
  el("find").hidden = there || going || state === "stopped" || !supported();
  el("where").hidden = el("find").hidden;
  el("away").hidden = navigator.onLine || going;
  el("go-on").hidden = !before || other || state !== "none";
  el("again").hidden = !(["reconnecting", "failed", "silent"].includes(state) || (state === "connecting" && trouble));
  el("there").hidden = !there || going;
  el("running").hidden = !going;
  el("elsewhere").hidden = there;
  el("battery").textContent = battery === null ? "–" : `${battery} %`;
  el("charge").hidden = battery === null;
  el("charge").value = battery ?? 0;
  el("name").textContent = band.name ?? "–";
  const words = {
    connecting: _("Connecting."), reconnecting: _("Connecting again."), streaming: _("The band is connected. Move it: the leg moves with it."),
    silent: sentences.asleep, ended: _("The band has finished."), stopped: _("Finished."),
  }; // prettier-ignore
  const wrong = trouble && [sentences[trouble], state === "failed" && detail].filter(Boolean).join(" ");
  say(wrong || words[state] || el("say").textContent);
  const { waiting, sending, keeping } = band;
  const some = waiting > 10 ? ngettext("%(num)s packet is kept here and not sent yet.", "%(num)s packets are kept here and not sent yet.", waiting) : session && sending !== "closed" ? _("Everything is sent.") : "";
  const old = waitingBefore ? ngettext("%(num)s session of before is still to be sent.", "%(num)s sessions of before are still to be sent.", waitingBefore) : "";
  el("kept").textContent = [sentences[keeping], sentences[sending], some, old].filter(Boolean).join(" ");
  el("note").textContent = stage ? [wrong || (state === "silent" && sentences.asleep), sentences[keeping], sentences[sending], session?.ended && waiting && some].filter(Boolean).join(" ") : "";
  el("offline").hidden = !going || session.id !== null;
  if (going && session.id) begin(session);
  if (state === "ended" && going) finish();
}

function signal() {
  if (band.gaps > lost) lostAt = performance.now();
  lost = band.gaps;
  el("signal").textContent = band.state !== "streaming" ? "–" : performance.now() - lostAt < WEAK_MS ? _("weak: hold it closer") : _("strong");
}

// What to pull against, of what is prescribed for this leg.
function pull() {
  const colour = JSON.parse(colours)[wanted.get("band")], { side } = Object.fromEntries(new FormData(el("what")));
  el("pulls").hidden = !colour || side !== wanted.get("side") || el("exercise-name").value !== wanted.get("exercise");
  el("colour").textContent = colour ?? "";
}

// The server knows the session: now it counts, and the page shows it.
async function begin({ id, told }) {
  if (stage) return;
  stage = true;
  const parts = await Promise.all([exercising(), planOf(told)]).catch(() => null);
  stage = parts !== null;
  if (!stage) return; // the network went before the exercise had come; the next news of the band try again
  const [{ exercise }, plan] = parts;
  document.body.classList.replace("training", "exercising");
  el("band").hidden = true;
  const author = document.querySelector("meta[name=owner]")?.content === "local" ? _("me") : null;
  exercise({ id, plan, titles: JSON.parse(titles), exercise: told.exercise, said: JSON.parse(sides)[told.side], author, finish });
}

async function planOf({ exercise, side }) {
  try {
    const answer = await fetch(`/api/v1/patients/${owner}/programme`);
    const { present } = await answer.json();
    const item = present.items.find((one) => one.exercise === exercise && one.side === side);
    return { sets: item.sets, reps: item.reps, tempo_s: [item.concentric_s, item.hold_s, item.eccentric_s], target_deg: item.rom_target_deg };
  } catch {
    return null; // nothing is prescribed, or nobody is there to ask
  }
}

function finish() {
  return (ending ??= finished());
}

async function finished() {
  await band.finish();
  show();
  if (!(await band.sent)) return;
  el("kept").textContent = _("The session is stored.");
  el("seen").href = `/sessions/${band.session.id}/done`;
  el("seen").hidden = false;
}

async function tried(what) {
  try {
    await what();
  } catch (trouble) {
    if (!trouble.kind) throw trouble;
    show();
    say(sentences[trouble.kind]);
  }
}

function offer() {
  if (!before || band.state !== "none") return;
  say(_("A session was interrupted. What was measured is safe."));
  show();
}

const side = wanted.get("side") ?? localStorage.getItem("side") ?? "left";
for (const input of document.querySelectorAll("[name=side]")) input.checked = input.value === side;
el("exercise-name").value = wanted.get("exercise") ?? "";
pull();
el("what").onchange = pull;
setInterval(signal, 500);
el("find").onclick = () => tried(() => band.connect());
el("go-on").onclick = () => tried(() => band.resume(before));
el("again").onclick = () => band.reconnect();
el("finish").onclick = finish;
el("what").onsubmit = (event) => {
  event.preventDefault();
  const chosen = new FormData(el("what")).get("side");
  localStorage.setItem("side", chosen);
  tried(() => band.record({ exercise: el("exercise-name").value || null, side: chosen }));
};
if (!supported()) {
  say(sentences.unsupported);
  show();
  el("elsewhere").open = true;
} else if (other) {
  const first = el("say").textContent;
  say(sentences.other_tab);
  alone().then(async () => {
    before = await unfinished(owner);
    other = false;
    if (band.state === "none") say(first);
    offer();
  });
} else {
  offer();
}
if (owner) {
  sync(owner, (left) => {
    waitingBefore = left;
    show();
  });
}
document.body.dataset.ready = "";
exercising().catch(() => {}); // tried again when it is needed
