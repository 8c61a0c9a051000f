// A session as it happens, watched by the physio. What is not of now is never drawn as if it were.
import { asked, charting } from "./charting.js";
import { figure } from "./figure.js";
import { _, number } from "./words.js";

const SILENT_MS = 3000; // the server speaks at least once a second
const WINDOW_S = 60;
const SET = 10; // dots drawn ahead
const ENDED = 4000, LOGIN = 4001, UNKNOWN = 4004; // close codes of server/api/live.py

const el = (id) => document.getElementById(id);
const page = el("watch"), base = `/api/v1/sessions/${page.dataset.session}`;
const titles = JSON.parse(page.dataset.titles), poses = JSON.parse(el("figure").dataset.poses);
const kinds = { good: _("good"), compensated: _("compensated"), partial: _("partial") };
const t = [], angles = [];
let chart = null, leg = null, exercise = null, heard = performance.now(), retryMs = 500, over = false, shown = { counted: null };

function text(id, value) {
  if (el(id).textContent !== `${value}`) el(id).textContent = value;
}

// Once a connection: what happened before it.
async function before() {
  const [full, curve, { Chart }] = await Promise.all([asked(base), asked(`${base}/curve`), charting()]);
  const first = Math.max(0, (curve.t_s.at(-1) ?? 0) - WINDOW_S);
  t.length = angles.length = 0;
  curve.t_s.forEach((at, i) => {
    if (at < first) return;
    t.push(at);
    angles.push(curve.angle_deg[i]);
  });
  chart ??= new Chart(el("curve"), { data: [t, angles], span: [0, WINDOW_S], degrees: [-6, 45], fixed: true });
  chart.reps = full.result.reps.filter((rep) => rep.end_s >= first);
  chart.gaps = full.result.gaps.filter((gap) => gap.end_s >= first);
  draw();
}

function draw() {
  const last = t.at(-1) ?? 0, span = [Math.max(0, last - WINDOW_S), Math.max(WINDOW_S, last)];
  while (t.length && t[0] < span[0]) {
    t.shift();
    angles.shift();
  }
  chart.reps = chart.reps.filter((rep) => rep.end_s >= span[0]);
  const high = angles.reduce((most, angle) => Math.max(most, angle ?? 0), 0);
  if (high > chart.degrees[1] - 3) chart.degrees = [-6, 5 * Math.ceil((high + 5) / 5)];
  chart.span = span;
  chart.data = [t, angles];
  chart.plot.setData(chart.data, false);
  chart.show(...span);
}

function state(now) {
  const receiving = now.connection === "receiving";
  if (now.exercise !== exercise && poses[now.exercise]) {
    exercise = now.exercise;
    text("exercise", titles[exercise]);
    leg = figure(el("figure"), poses[exercise], page.dataset.side);
  }
  text("count", now.set ? now.counted : 0);
  for (const kind of Object.keys(kinds)) text(kind, now[kind]);
  text("usual-rom", now.usual_deg === null ? "–" : `${number(now.usual_deg)}°`);
  text("set", now.set ? _("Set %(n)s · %(all)s in all", { n: now.set, all: now.total.counted }) : _("Not begun"));
  if (`${now.set_reps}` !== `${shown.set_reps}`) dots(now.set_reps);
  if (receiving) connection("receiving", _("band connected"), "");
  else if (now.connection === "lost") connection("lost", _("no packets"), _("For %(n)s s. What has arrived is safe; the count goes on when the band is back.", { n: Math.round(now.silent_s) }));
  else connection("waiting", _("waiting for the band"), now.packets ? _("What had arrived before is counted.") : "");
  live(receiving ? now : null);
  if (now.message && now.message.number !== shown.message?.number) {
    el("said").hidden = false;
    text("said", _("%(by)s: %(text)s", now.message));
  }
  shown = now;
}

// now: null when nothing is known of now.
function live(now) {
  const known = now !== null && now.angle_deg !== null;
  leg?.(known ? now.angle_deg : null);
  text("angle", known ? `${number(now.angle_deg)}°` : "–");
  text("pose", now === null ? "" : now.in_pose ? _("in position") : _("not in position"));
  el("curve").classList.toggle("old", now === null);
  if (!chart) return;
  const last = t.at(-1) ?? -1;
  if (known && now.t_s > last) {
    if (now.t_s - last > 1) add((last + now.t_s) / 2, null); // nothing is drawn across what was not seen
    add(now.t_s, now.angle_deg);
    draw();
  }
  text("curve-says", t.length ? "" : _("The curve begins with the first repetition."));
}

function add(at, angle) {
  t.push(at);
  angles.push(angle);
}

function dots(reps) {
  const drawn = reps.filter((kind) => kind in kinds), open = SET - drawn.filter((kind) => kind !== "partial").length;
  const items = drawn.map((kind) => {
    const item = document.createElement("li"), word = document.createElement("span");
    word.className = "unseen";
    word.textContent = kinds[kind];
    item.append(el("shapes").content.querySelector(`.shape.${kind}`).cloneNode(true), word);
    return item;
  });
  for (let n = 0; n < open; n++) {
    const item = document.createElement("li");
    item.className = "open";
    item.ariaHidden = "true";
    items.push(item);
  }
  el("dots").replaceChildren(...items);
}

// Told when it is counted, and again when its numbers are final.
function rep({ rep: told }) {
  if (!chart) return;
  chart.reps = [...chart.reps.filter((one) => one.end_s <= told.start_s || one.start_s >= told.end_s), told];
  chart.plot.redraw(false);
}

function connection(kind, words, explain) {
  el("connection").className = `tag ${kind}`;
  text("connection", words);
  text("explain", explain);
}

function ended() {
  if (over) return;
  over = true;
  live(null);
  connection("ended", _("finished and stored"), "");
  el("open").hidden = false;
  el("say").querySelector("button").disabled = true;
}

function connect() {
  const url = new URL(`${base}/live`, location.href);
  url.protocol = url.protocol.replace("http", "ws");
  const socket = new WebSocket(url);
  socket.onopen = () => before().catch(console.warn);
  socket.onmessage = ({ data }) => {
    heard = performance.now();
    retryMs = 500;
    const message = JSON.parse(data);
    if (message.type === "state") state(message);
    else if (message.type === "rep") rep(message);
    else if (message.type === "ended") ended();
  };
  socket.onclose = ({ code }) => {
    if (over || code === ENDED) return ended();
    live(null);
    over = code === LOGIN || code === UNKNOWN;
    if (code === LOGIN) return connection("lost", _("logged out"), _("Load this page again to log in. What the band sends is counted all the same."));
    if (code === UNKNOWN) return connection("lost", _("no such session"), _("The server does not know this session."));
    setTimeout(connect, retryMs);
    retryMs = Math.min(retryMs * 2, 5000);
  };
}

setInterval(() => {
  const silent = performance.now() - heard;
  if (over || silent < SILENT_MS) return;
  live(null);
  connection("lost", _("no word from the server"), _("For %(n)s s. The count is the last one heard. This page tries again by itself.", { n: Math.round(silent / 1000) }));
}, 500);

el("say").addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = el("say").querySelector("button");
  button.disabled = true;
  try {
    const answer = await fetch(`${base}/message`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ text: el("text").value }) });
    if (answer.ok) el("text").value = "";
    else throw new Error(answer.status);
  } catch {
    el("said").hidden = false;
    text("said", _("Not sent. Try it again."));
  }
  button.disabled = over;
});

dots([]);
connect();
