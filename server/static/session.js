// A finished session: the curve and its table light each other, the replay moves a leg with them, forms open as dialogs.
import { asked, charting } from "./charting.js";
import { dialogs } from "./dialogs.js";
import { _, number } from "./words.js";

const el = (id) => document.getElementById(id);
const element = el("curve");
const base = `/api/v1/sessions/${element.dataset.session}`;
const still = matchMedia("(prefers-reduced-motion: reduce)");
const NEAR = 25; // times its length: what is seen round a repetition that is gone to
const STILL_S = 0.5; // between pictures, for whom movement is too much
const kinds = { good: _("good"), compensated: _("compensated"), partial: _("partial"), out_of_pose: _("out of position") };
const rows = new Map([...document.querySelectorAll("tr[data-start]")].map((row) => [Number(row.dataset.start), row]));

async function begin() {
  element.dataset.state = "loading";
  el("curve-says").textContent = element.querySelector(".first") ? "" : _("Loading the curve …");
  el("again").hidden = true;
  usable(false, true);
  try {
    const [full, curve, parts, { figure }] = await Promise.all([asked(base), asked(`${base}/curve`), charting(), import("./figure.js")]);
    if (curve.angle_deg.every((angle) => angle === null)) {
      element.dataset.state = "empty";
      usable(false);
      el("curve-says").textContent = _("No angle is known of this session: no exercise was recognised, or the band was never worn.");
      return;
    }
    element.dataset.state = "drawn";
    el("curve-says").textContent = "";
    show(full, curve, { ...parts, figure });
    usable(true);
  } catch (error) {
    element.dataset.state = "failed";
    usable(false);
    el("curve-says").textContent = _("The curve could not be loaded. The table below has every repetition.");
    el("again").hidden = false;
    console.warn(error);
  }
}

// What replays and zooms: works, is on its way (as the page comes), or will not be there.
function usable(now, soon = false) {
  el("replay").hidden = el("tools").hidden = !now && !soon;
  for (const one of [el("tools"), ...document.querySelectorAll(".goes")]) one.disabled = !now;
}

function show(full, curve, { broken, Chart, clock, figure, kindOf, reach }) {
  const { result, history } = full;
  const reps = history.corrected?.reps ?? result.reps;
  const chart = new Chart(element, {
    data: broken(curve, result.gaps), reps, gaps: result.gaps, sets: result.sets,
    span: [0, Math.max(result.duration_s, curve.t_s.at(-1))], degrees: reach(curve), pointed, sought: (s) => seek(s),
  });
  const poses = JSON.parse(el("figure").dataset.poses), first = Object.keys(poses)[0];
  const legs = new Map();
  const scrubber = el("at");
  let drawn = null, playing = null, at = 0;
  scrubber.max = chart.span[1];
  el("figure").toggleAttribute("hidden", !first); // of an exercise that is not known

  function pointed(rep) {
    for (const row of rows.values()) row.classList.remove("lit");
    rows.get(rep?.start_s)?.classList.add("lit");
  }

  function angleAt(s) {
    let low = 0, high = curve.t_s.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (curve.t_s[middle] <= s) low = middle;
      else high = middle - 1;
    }
    const missing = Math.abs(curve.t_s[low] - s) > 0.5 || result.gaps.some((gap) => gap.start_s < s && s < gap.end_s);
    return missing ? null : curve.angle_deg[low];
  }

  function seek(s, follow = false) {
    at = s;
    const angle = angleAt(s), rep = chart.repAt(s);
    const exercise = rep?.exercise ?? result.sets.findLast((set) => set.start_s <= s)?.exercise ?? first;
    if (exercise !== drawn && poses[exercise]) {
      drawn = exercise;
      legs.set(exercise, figure(el("figure"), poses[exercise], result.side));
    }
    legs.get(drawn)?.(angle);
    chart.at(s, follow);
    chart.light(rep);
    scrubber.value = s;
    const shown = angle === null ? _("no angle known") : `${number(angle)}°`;
    const where = rep ? _("set %(set)s, %(kind)s", { set: rep.set, kind: rep.removed ? _("not a repetition") : kinds[kindOf(rep)] }) : "";
    el("angle-now").textContent = angle === null ? "–" : `${number(angle)}°`;
    el("time-now").textContent = `${clock(s, 1)} · `;
    el("rep-now").textContent = where || _("between repetitions");
    scrubber.setAttribute("aria-valuetext", [clock(s, 1), shown, where].filter(Boolean).join(", "));
  }

  function play() {
    if (playing !== null) return stop();
    if (at >= chart.span[1] - 0.05) at = 0;
    el("play").textContent = _("Pause");
    let before = performance.now(), since = 0;
    const step = (now) => {
      const s = at + ((now - before) / 1000) * Number(el("speed").value);
      since += (now - before) / 1000;
      before = now;
      if (!still.matches || since >= STILL_S || s >= chart.span[1]) {
        seek(Math.min(s, chart.span[1]), true);
        since = 0;
      } else at = s;
      if (s >= chart.span[1]) stop();
      else playing = requestAnimationFrame(step);
    };
    playing = requestAnimationFrame(step);
  }

  function stop() {
    cancelAnimationFrame(playing);
    playing = null;
    el("play").textContent = _("Play");
  }

  // By how many repetitions: pointing at them without a mouse.
  function jump(by) {
    const next = by > 0 ? reps.find((rep) => rep.start_s > at + 0.01) : reps.findLast((rep) => rep.end_s < at - 0.01);
    if (next) visit(next, false);
  }

  function visit(rep, closer = true) {
    stop();
    seek(rep.peak_s);
    const [from, to] = chart.shown, far = closer && to - from > NEAR * (rep.end_s - rep.start_s), width = far ? NEAR * (rep.end_s - rep.start_s) : to - from;
    if (far || rep.start_s < from || rep.end_s > to) chart.show(rep.peak_s - width / 2, rep.peak_s + width / 2);
  }

  const keys = {
    "+": () => chart.zoom(0.5), "=": () => chart.zoom(0.5), "-": () => chart.zoom(2), 0: () => chart.show(...chart.span),
    ArrowRight: () => jump(1), ArrowLeft: () => jump(-1), PageDown: () => chart.pan(0.8), PageUp: () => chart.pan(-0.8),
    Home: () => seek(0), End: () => seek(chart.span[1]), " ": play,
  };
  element.addEventListener("keydown", (event) => {
    if (!(event.key in keys) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    keys[event.key]();
  });
  el("play").addEventListener("click", play);
  el("closer").addEventListener("click", () => chart.zoom(0.5));
  el("wider").addEventListener("click", () => chart.zoom(2));
  el("all").addEventListener("click", () => chart.show(...chart.span));
  scrubber.addEventListener("input", () => (stop(), seek(Number(scrubber.value))));
  for (const rep of reps) {
    const row = rows.get(rep.start_s), light = () => chart.light(rep), dim = () => chart.light(null);
    row?.addEventListener("pointerenter", light);
    row?.addEventListener("pointerleave", dim);
    row?.addEventListener("focusin", light);
    row?.addEventListener("focusout", dim);
    row?.querySelector(".goes")?.addEventListener("click", () => visit(rep));
  }
  stop();
  seek(reps[0]?.start_s ?? 0);
  chart.light(null);
  element.fillsIn = () => at;
}

const opened = dialogs({
  missed(form) {
    const at = element.fillsIn?.() ?? 0;
    form.elements.at_s.value = at.toFixed(1);
    form.elements.end_s.value = Math.min(at + 4, Number(form.elements.end_s.max)).toFixed(1);
  },
});
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-correct]");
  if (!link || !opened.wrong) return;
  event.preventDefault();
  opened.wrong({ at_s: link.dataset.correct });
});
el("again").addEventListener("click", begin);

// A job that runs now changes this page when it is done.
const job = el("job");
async function look() {
  const { history } = await asked(base);
  if (["queued", "running"].includes(history.job.state)) setTimeout(() => look().catch(console.warn), 2000);
  else location.reload();
}
if (job?.dataset.waits) look().catch(console.warn);

// When the page has been painted, which is of use without replay and zoom.
requestAnimationFrame(() => setTimeout(begin));
