import { _ } from "./words.js";

// The live page. Shows what the server says, and never an old number as if it were of now.
const SILENT_MS = 3000; // the server speaks at least once a second
const SET = 10; // dots drawn ahead
const ENDED = 4000, LOGIN = 4001, UNKNOWN = 4004; // close codes of server/api/live.py

const el = (id) => document.getElementById(id);
const live = el("live");
const id = live.dataset.session;
const titles = JSON.parse(live.dataset.titles);
const shapes = Object.fromEntries(["good", "compensated", "partial"].map((kind) =>
  [kind, el("shapes").content.querySelector(`.shape.${kind}`)]));
const kinds_ = { good: _("good"), compensated: _("compensated"), partial: _("partial") };
let heard = performance.now();
let retryMs = 500;
let over = false;
let shown = {};

function connect() {
  const url = new URL(`/api/v1/sessions/${id}/live`, location.href);
  url.protocol = url.protocol.replace("http", "ws");
  const socket = new WebSocket(url);
  socket.onmessage = ({ data }) => {
    heard = performance.now();
    retryMs = 500;
    const message = JSON.parse(data);
    if (message.type === "state") state(message);
    else if (message.type === "ended") ended();
  };
  socket.onclose = ({ code }) => {
    if (over) return;
    if (code === ENDED) return ended();
    if (code === LOGIN) return connection("lost", _("logged out"), _("Load this page again to log in. What the band sends is counted all the same."));
    if (code === UNKNOWN) return connection("lost", _("no such session"), _("The server does not know this session."));
    setTimeout(connect, retryMs);
    retryMs = Math.min(retryMs * 2, 5000);
  };
}

function state(now) {
  if (now.exercise) text("exercise", titles[now.exercise]);
  text("count", now.set ? now.counted : 0);
  for (const kind of ["good", "compensated", "partial"]) text(kind, now[kind]);
  const total = now.total.counted === now.counted ? "" : ` · ${_("%(n)s in all", { n: now.total.counted })}`;
  text("set", now.set ? `${_("Set %(n)s", { n: now.set })}${total}` : _("Not begun"));
  if (now.counted !== shown.counted && now.counted) text("spoken", `${now.counted}`);
  if (`${now.set_reps}` !== `${shown.set_reps}`) dots(now.set_reps);
  shown = now;
  angle(now);
  const open = now.connection !== "receiving" && now.packets > 0;
  el("end").hidden = !open;
  if (now.connection === "receiving") connection("receiving", _("band connected"), "");
  else if (now.connection === "lost") connection("lost", _("no packets"), _("For %(n)s s. What has arrived is safe; the count goes on when the band is back.", { n: Math.round(now.silent_s) }));
  else connection("waiting", _("waiting for the band"), now.packets ? _("What had arrived before is counted.") : "");
}

function angle({ angle_deg, in_pose, connection, usual_deg: usual = null }) {
  const known = angle_deg !== null;
  live.classList.toggle("still", !known);
  text("angle", known ? `${Math.max(0, Math.round(angle_deg))}°` : "–");
  text("pose", connection !== "receiving" ? "" : !in_pose ? _("not in position") : usual === null ? "" : _("usual %(n)s°", { n: Math.round(usual) }));
  const end = Math.max(45, 1.25 * (usual ?? 0)); // degrees at the right end of the bar
  el("fill").style.setProperty("--share", known ? Math.min(1, Math.max(0, angle_deg / end)) : 0);
  el("usual").hidden = usual === null;
  if (usual !== null) el("usual").style.setProperty("--at", usual / end);
}

function dots(kinds) {
  const list = kinds.filter((kind) => kind in shapes);
  const items = list.map((kind) => {
    const item = document.createElement("li");
    const word = document.createElement("span");
    word.className = "unseen";
    word.textContent = kinds_[kind];
    item.append(shapes[kind].cloneNode(true), word);
    return item;
  });
  const counted = list.filter((kind) => kind !== "partial").length;
  for (let n = counted; n < SET; n++) {
    const item = document.createElement("li");
    item.className = "open";
    item.ariaHidden = "true";
    items.push(item);
  }
  el("dots").replaceChildren(...items);
}

function ended() {
  over = true;
  angle({ ...shown, angle_deg: null, connection: "ended" });
  connection("ended", _("finished and stored"), "");
  el("end").hidden = true;
  el("open").hidden = false;
}

function connection(kind, words, explain) {
  el("connection").className = `tag ${kind}`;
  text("connection", words);
  text("explain", explain);
}

function text(name, value) {
  if (el(name).textContent !== `${value}`) el(name).textContent = value;
}

setInterval(() => {
  const silent = performance.now() - heard;
  if (over || silent < SILENT_MS) return;
  angle({ ...shown, angle_deg: null, connection: "lost" });
  connection("lost", _("no word from the server"), _("For %(n)s s. The count is the last one heard. This page tries again by itself.", { n: Math.round(silent / 1000) }));
}, 500);

el("end").addEventListener("click", async () => {
  el("end").disabled = true;
  try {
    const answer = await fetch(`/api/v1/sessions/${id}/end`, { method: "POST" });
    if (answer.ok) ended();
    else connection("lost", _("not stored"), "");
  } catch {
    connection("lost", _("not stored"), _("The server does not answer."));
  }
  el("end").disabled = false;
});

dots([]);
connect();
