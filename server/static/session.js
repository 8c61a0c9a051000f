// The angle curve of a finished session: repetitions shaded by kind, gaps hatched.
/* global uPlot */
const chart = document.getElementById("curve");
const base = `/api/v1/sessions/${chart.dataset.session}`;
const rows = new Map([...document.querySelectorAll("tr[data-start]")].map((row) => [Number(row.dataset.start), row]));
const dark = matchMedia("(prefers-color-scheme: dark)");
let plot = null;
let lit = null; // the repetition that is pointed at

const [full, curve] = await Promise.all([base, `${base}/curve`].map(async (url) => (await fetch(url)).json()));
const { reps, gaps } = full.result;

function kindOf(rep) {
  if (!rep.counted) return rep.flags.includes("partial") ? "partial" : "out_of_pose";
  return rep.compensated ? "compensated" : "good";
}

// The line breaks at a gap instead of bridging it.
function broken() {
  const t = [], angle = [];
  let next = 0;
  curve.t_s.forEach((at, i) => {
    while (next < gaps.length && gaps[next].start_s < at) {
      const middle = (gaps[next].start_s + gaps[next].end_s) / 2;
      if (t.length && middle > t.at(-1) && middle < at) {
        t.push(middle);
        angle.push(null);
      }
      next++;
    }
    t.push(at);
    angle.push(curve.angle_deg[i]);
  });
  return [t, angle];
}

function colours() {
  const style = getComputedStyle(document.documentElement);
  const token = (name) => style.getPropertyValue(`--${name}`).trim();
  return {
    text: token("text-2"), line: token("line"), curve: token("text"),
    good: token("good"), compensated: token("compensated"), partial: token("partial"), out_of_pose: token("partial"),
  };
}

function shade(u, colour) {
  const { ctx } = u;
  const { left, top, width, height } = u.bbox;
  ctx.save();
  ctx.beginPath();
  ctx.rect(left, top, width, height);
  ctx.clip();
  for (const rep of reps) {
    const from = u.valToPos(rep.start_s, "x", true), to = u.valToPos(rep.end_s, "x", true);
    ctx.fillStyle = colour[kindOf(rep)];
    ctx.globalAlpha = rep === lit ? 0.4 : 0.14;
    ctx.fillRect(from, top, to - from, height);
    ctx.globalAlpha = 1;
    mark(ctx, kindOf(rep), u.valToPos(rep.peak_s, "x", true), top + 12 * devicePixelRatio, colour);
  }
  ctx.strokeStyle = colour.text;
  ctx.lineWidth = devicePixelRatio;
  for (const gap of gaps) hatch(ctx, u.valToPos(gap.start_s, "x", true), u.valToPos(gap.end_s, "x", true), top, height);
  ctx.restore();
}

function mark(ctx, kind, x, y, colour) {
  const r = 4.5 * devicePixelRatio;
  ctx.fillStyle = ctx.strokeStyle = colour[kind];
  ctx.lineWidth = 1.2 * devicePixelRatio;
  ctx.beginPath();
  if (kind === "compensated") {
    ctx.moveTo(x, y - r);
    ctx.lineTo(x + r, y + r);
    ctx.lineTo(x - r, y + r);
    ctx.fill();
  } else if (kind === "good") {
    ctx.arc(x, y, r, 0, 2 * Math.PI);
    ctx.fill();
  } else {
    ctx.arc(x, y, r, 0, 2 * Math.PI);
    ctx.stroke();
    ctx.beginPath();
    ctx.arc(x, y, r, Math.PI / 2, 1.5 * Math.PI);
    ctx.fill();
  }
}

function hatch(ctx, from, to, top, height) {
  const width = Math.max(to - from, 3 * devicePixelRatio);
  ctx.save();
  ctx.beginPath();
  ctx.rect(from, top, width, height);
  ctx.clip();
  ctx.beginPath();
  for (let x = from - height; x < from + width; x += 6 * devicePixelRatio) {
    ctx.moveTo(x, top + height);
    ctx.lineTo(x + height, top);
  }
  ctx.stroke();
  ctx.restore();
}

function draw() {
  plot?.destroy();
  const colour = colours();
  const axis = { stroke: colour.text, grid: { stroke: colour.line, width: 1 }, ticks: { show: false }, font: "14px system-ui, sans-serif" };
  plot = new uPlot({
    width: chart.clientWidth,
    height: chart.clientHeight,
    padding: [12, 16, 0, 0],
    legend: { show: false },
    cursor: { y: false, points: { size: 8 } },
    scales: { x: { time: false } },
    axes: [
      { ...axis, size: 36, values: (_, ticks) => ticks.map((s) => `${s} s`) },
      { ...axis, size: 52, values: (_, ticks) => ticks.map((deg) => `${deg}°`) },
    ],
    series: [{}, { stroke: colour.curve, width: 1.5, points: { show: false } }],
    hooks: { drawAxes: [(u) => shade(u, colour)], setCursor: [pointed] },
  }, broken(), chart);
  chart.dataset.drawn = "true";
}

// Pointing at a repetition, in the curve or in its row, lights both.
function light(rep) {
  if (rep === lit) return;
  rows.get(lit?.start_s)?.classList.remove("lit");
  lit = rep;
  rows.get(lit?.start_s)?.classList.add("lit");
  plot.redraw(false);
}

function pointed(u) {
  const at = u.cursor.left >= 0 ? u.posToVal(u.cursor.left, "x") : null;
  if (at !== null) light(reps.find((rep) => rep.start_s <= at && at <= rep.end_s) ?? null);
}

for (const rep of reps) {
  rows.get(rep.start_s)?.addEventListener("pointerenter", () => light(rep));
  rows.get(rep.start_s)?.addEventListener("pointerleave", () => light(null));
}
new ResizeObserver(() => plot?.setSize({ width: chart.clientWidth, height: chart.clientHeight })).observe(chart);
dark.addEventListener("change", draw);
draw();
