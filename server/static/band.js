// The page of a band without anything else: find it, see that it is the right one, record, finish. The patient's own
// screens are built on bands/band.js as well.
import { Band, elsewhere, Leg, sentences, supported, sync, unfinished } from "./bands/band.js";
import { owner as remembered } from "./bands/journal.js";
import { _, ngettext } from "./words.js";

const el = (id) => document.getElementById(id);
const owner = document.querySelector("meta[name=owner]")?.content || (await remembered());
const leg = new Leg(el("leg"));
const band = new Band({ owner, onChange: show, onPose: (where) => leg.draw(where) });
const before = await unfinished(owner), other = await elsewhere();
let waitingBefore = 0;
let socket = null;

function say(text) {
  if (el("say").textContent !== text) el("say").textContent = text;
}

function show() {
  const { state, trouble, battery, session, detail } = band;
  const there = ["streaming", "silent"].includes(state);
  const going = session !== null && !session.ended;
  el("find").hidden = there || going;
  el("go-on").hidden = !before || other || state !== "none";
  el("again").hidden = !(["reconnecting", "failed", "silent"].includes(state) || (state === "connecting" && trouble));
  el("there").hidden = !there && !going;
  el("what").hidden = going;
  el("running").hidden = !going;
  el("battery").textContent = battery === null ? "–" : `${battery} %`;
  el("name").textContent = band.name ?? "–";
  const words = { connecting: _("Connecting."), reconnecting: _("Connecting again."), streaming: _("The band is connected. Move it: the leg moves with it."), silent: sentences.asleep, ended: _("The band has finished."), stopped: _("Finished.") };
  say((trouble && [sentences[trouble], state === "failed" && detail].filter(Boolean).join(" ")) || words[state] || el("say").textContent);
  const { waiting, sending, keeping } = band;
  const some = waiting > 10 ? ngettext("%(num)s packet is kept here and not sent yet.", "%(num)s packets are kept here and not sent yet.", waiting) : session ? _("Everything is sent.") : "";
  const old = waitingBefore ? ngettext("%(num)s session of before is still to be sent.", "%(num)s sessions of before are still to be sent.", waitingBefore) : "";
  el("kept").textContent = [sentences[keeping], sentences[sending], some, old].filter(Boolean).join(" ");
  if (session?.id) {
    el("done").href = `/sessions/${session.id}`;
    if (going) watch(session.id);
  }
  if (state === "ended" && going) finish();
}

// The count is the server's.
function watch(id) {
  if (socket) return;
  const url = new URL(`/api/v1/sessions/${id}/live`, location.href);
  url.protocol = url.protocol.replace("http", "ws");
  socket = new WebSocket(url);
  socket.onmessage = ({ data }) => {
    const { type, total } = JSON.parse(data);
    if (type === "state") el("count").textContent = total.counted;
  };
  socket.onclose = () => setTimeout(() => { socket = null; show(); }, 1000);
}

async function finish() {
  await band.finish();
  show();
  if (await band.sent) {
    el("kept").textContent = _("The session is stored.");
    el("done").hidden = false;
  }
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

el("find").onclick = () => tried(() => band.connect());
el("go-on").onclick = () => tried(() => band.resume(before));
el("again").onclick = () => band.reconnect();
el("finish").onclick = finish;
el("what").onsubmit = (event) => {
  event.preventDefault();
  tried(() => band.record({ exercise: el("exercise").value || null, side: el("side").value }));
};
if (!supported()) {
  say(sentences.unsupported);
  el("find").disabled = true;
} else if (other) {
  say(sentences.other_tab);
} else if (before) {
  say(_("A session was interrupted. What was measured is safe."));
  show();
}
if (owner) {
  sync(owner, (left) => {
    waitingBefore = left;
    show();
  });
}
document.body.dataset.ready = "";
