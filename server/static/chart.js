// The angle over time: repetitions shaded by kind, gaps hatched, sets named, rests left blank. Zoomed by wheel, drag and keys.
/* global uPlot */
import { hatch, kindOf, mark } from "./marks.js";
import { _, number } from "./words.js";

const LEAST_S = 2; // the shortest stretch that is shown
const HEAD = 30; // px above the curve, for marks
const TALL = { good: 4, compensated: 12, partial: 8, out_of_pose: 8, removed: 1 }; // px: the kind, where there is no room for its shape
const FONT = "system-ui, sans-serif";
const STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600];
const looks = ["(prefers-color-scheme: dark)", "print"].map((one) => matchMedia(one)); // with each the colours change

// As a stopwatch says it.
export function clock(s, digits = 0) {
  const minutes = Math.floor(s / 60);
  if (!minutes) return `${number(s, digits)} s`;
  const rest = number(s - 60 * minutes, digits);
  return `${minutes}:${/^\d(\D|$)/.test(rest) ? "0" : ""}${rest}`;
}

// The line breaks at a gap instead of bridging it.
export function broken(curve, gaps) {
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

// [lowest, highest] degrees, so that two curves can be drawn alike.
export function reach(curve) {
  let low = -6, high = 30; // below is room for the sets' names
  for (const angle of curve.angle_deg) {
    if (angle !== null && angle < low) low = angle;
    if (angle !== null && angle > high) high = angle;
  }
  return [Math.max(-30, 5 * Math.floor(low / 5)), 5 * Math.ceil((high + 2) / 5)];
}

export { kindOf };

export class Chart {
  // data: what uPlot takes · span: [from, to] s of the whole · degrees: as reach() says · pointed(rep or null), sought(s),
  // zoomed(from, to) · fixed: shows what it is told to.
  constructor(element, { data, reps = [], gaps = [], sets = [], span, degrees, pointed = () => {}, sought = () => {}, zoomed = () => {}, fixed = false }) {
    Object.assign(this, { element, data, reps, gaps, sets, span, degrees, pointed, sought, zoomed, fixed });
    this.lit = null; // the repetition that is pointed at
    this.head = null; // s: where the replay is
    this.shown = span;
    this.draw();
    new ResizeObserver(() => this.plot.setSize({ width: element.clientWidth, height: element.clientHeight })).observe(element);
    for (const look of looks) look.addEventListener("change", () => this.draw());
    if (!fixed) element.addEventListener("wheel", (event) => this.wheeled(event), { passive: false });
  }

  draw() {
    this.plot?.destroy();
    this.element.querySelector(".first")?.remove();
    const style = getComputedStyle(document.documentElement);
    const token = (name) => style.getPropertyValue(`--${name}`).trim();
    this.colour = { text: token("text-2"), line: token("line"), curve: token("text"), ...Object.fromEntries(["good", "compensated", "partial"].map((kind) => [kind, token(kind)])), out_of_pose: token("partial"), removed: token("text-2") };
    const axis = { stroke: this.colour.text, grid: { stroke: this.colour.line, width: 1 }, ticks: { show: false }, font: `13px ${FONT}` };
    this.plot = new uPlot({
      width: this.element.clientWidth,
      height: this.element.clientHeight,
      padding: [HEAD, 22, 0, 0],
      legend: { show: false },
      cursor: { y: false, points: { size: 8 }, drag: { dist: 6, x: !this.fixed }, bind: { dblclick: () => () => { if (!this.fixed) this.show(...this.span); return null; } } },
      scales: { x: { time: false, range: (u, from, to) => this.within(from, to) }, y: { range: () => this.degrees } },
      axes: [
        { ...axis, grid: { show: false }, size: 34, incrs: STEPS, values: (u, ticks, i, space, step) => ticks.map((s) => clock(s, step < 1 ? 1 : 0)) },
        { ...axis, size: 48, values: (u, ticks) => ticks.map((deg) => `${number(deg)}°`) },
      ],
      series: [{}, { stroke: this.colour.curve, width: 1.5, points: { show: false } }],
      hooks: {
        drawAxes: [() => this.shade()],
        setCursor: [(u) => this.point(u)],
        setScale: [(u, scale) => scale === "x" && this.moved(u)],
      },
    }, this.data, this.element);
    this.needle = document.createElement("div");
    this.needle.className = "needle";
    this.plot.over.append(this.needle);
    this.touch(this.plot.over);
    this.show(...this.shown);
    this.element.dataset.drawn = "true";
  }

  within(from, to) {
    const [first, last] = this.span;
    if (from === null) return this.span;
    const width = Math.min(Math.max(to - from, LEAST_S), last - first);
    const start = Math.min(Math.max((from + to - width) / 2, first), last - width);
    return [start, start + width];
  }

  show(from, to) {
    const [min, max] = this.within(from, to);
    this.plot.setScale("x", { min, max });
  }

  zoom(factor, around = this.head ?? (this.shown[0] + this.shown[1]) / 2) {
    const [from, to] = this.shown;
    this.show(around - (around - from) * factor, around + (to - around) * factor);
  }

  pan(share) {
    const [from, to] = this.shown, by = share * (to - from);
    const [first, last] = this.span, kept = Math.min(Math.max(by, first - from), last - to);
    this.show(from + kept, to + kept);
  }

  get whole() {
    return this.shown[1] - this.shown[0] >= this.span[1] - this.span[0] - 1e-6;
  }

  // Zoomed out fully the page scrolls on.
  wheeled(event) {
    if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      if (this.whole) return;
      event.preventDefault();
      return this.pan(event.deltaX / this.element.clientWidth);
    }
    if (event.deltaY > 0 && this.whole) return;
    event.preventDefault();
    const left = event.clientX - this.plot.over.getBoundingClientRect().left;
    this.zoom(1.0015 ** event.deltaY, this.plot.posToVal(left, "x"));
  }

  // A finger or a click puts the replay there; up and down it scrolls the page.
  touch(over) {
    let down = null;
    const seek = (event) => this.sought(Math.min(Math.max(this.plot.posToVal(event.clientX - over.getBoundingClientRect().left, "x"), this.span[0]), this.span[1]));
    over.addEventListener("pointerdown", (event) => (down = event.clientX));
    over.addEventListener("pointermove", (event) => event.pointerType === "touch" && down !== null && seek(event));
    over.addEventListener("pointercancel", () => (down = null));
    over.addEventListener("pointerup", (event) => {
      if (down !== null && Math.abs(event.clientX - down) < 6) seek(event);
      down = null;
    });
  }

  moved(u) {
    this.shown = [u.scales.x.min, u.scales.x.max];
    this.element.dataset.from = this.shown[0].toFixed(1);
    this.element.dataset.to = this.shown[1].toFixed(1);
    this.place();
    this.zoomed(...this.shown);
  }

  place() {
    if (!this.needle) return;
    const [from, to] = this.shown;
    this.needle.hidden = this.head === null || this.head < from || this.head > to;
    if (!this.needle.hidden) this.needle.style.transform = `translateX(${this.plot.valToPos(this.head, "x")}px)`;
  }

  // follow: turns the page when the needle leaves it.
  at(s, follow = false) {
    this.head = s;
    const [from, to] = this.shown;
    if (follow && (s < from || s > to)) this.show(s - 0.1 * (to - from), s + 0.9 * (to - from));
    this.place();
  }

  point(u) {
    if (u.cursor.left < 0) return;
    const at = u.posToVal(u.cursor.left, "x");
    this.light(this.repAt(at));
  }

  repAt(s) {
    return this.reps.find((rep) => rep.start_s <= s && s <= rep.end_s) ?? null;
  }

  light(rep) {
    if (rep === this.lit) return;
    this.lit = rep;
    this.plot.redraw(false);
    this.pointed(rep);
  }

  shade() {
    const u = this.plot ?? null;
    if (!u) return;
    const { ctx } = u, { left, top, width, height } = u.bbox, ratio = devicePixelRatio;
    const x = (s) => u.valToPos(s, "x", true);
    const zero = u.valToPos(0, "y", true);
    ctx.save();
    ctx.beginPath();
    ctx.rect(left, 0, width, top + height);
    ctx.clip();
    ctx.strokeStyle = this.colour.text;
    ctx.lineWidth = ratio;
    const widths = this.reps.map((rep) => x(rep.end_s) - x(rep.start_s)).sort((a, b) => a - b), usual = widths[widths.length >> 1];
    const half = Math.min(4.5 * ratio, usual / 2.4); // of all shapes alike, or of none
    for (const rep of this.reps) {
      const from = x(rep.start_s), to = x(rep.end_s), kind = rep.removed ? "removed" : kindOf(rep);
      if (to < left || from > left + width) continue;
      ctx.fillStyle = this.colour[kind];
      ctx.globalAlpha = rep === this.lit ? 0.38 : rep.removed ? 0 : 0.14;
      ctx.fillRect(from, top, Math.max(to - from - ratio, ratio), height);
      ctx.globalAlpha = 1;
      if (half > 1.7 * ratio || rep === this.lit) mark(ctx, kind, (from + to) / 2, top - 11 * ratio, this.colour[kind], rep === this.lit ? 5 * ratio : half);
      else ctx.fillRect(from, top - TALL[kind] * ratio, Math.max(to - from - ratio, ratio), TALL[kind] * ratio);
    }
    for (const gap of this.gaps) hatch(ctx, x(gap.start_s), x(gap.end_s), top, height);
    ctx.fillStyle = this.colour.text;
    ctx.font = `600 ${12 * ratio}px ${FONT}`;
    ctx.textBaseline = "bottom";
    ctx.textAlign = "left";
    for (const set of this.sets) {
      const from = Math.max(x(set.start_s), left), to = Math.min(x(set.end_s), left + width), name = _("Set %(n)s", { n: set.set });
      if (to - from > ctx.measureText(name).width + 8 * ratio) ctx.fillText(name, from + 4 * ratio, top + height - 4 * ratio);
      ctx.fillRect(from, top + height - 2 * ratio, Math.max(to - from, 0), 2 * ratio);
    }
    ctx.globalAlpha = 0.5;
    ctx.fillRect(left, zero, width, ratio);
    ctx.restore();
  }
}
