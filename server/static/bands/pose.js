// Which way a band is turned, well enough to draw a leg that moves with it: angular velocity integrated, pulled towards
// the direction of gravity (Mahony's complementary filter, IEEE TAC 53(5), 2008, without its bias). What is counted is
// the server's affair.
const PULL = 1; // rad/s per unit of error; no source

export class Pose {
  #q = null; // w, x, y, z: band -> world, z up; its heading is arbitrary

  // rows: [s, m/s² x 3, rad/s x 3]. The band's turn since it was first seen, as where a leg that hung down then points
  // now in the world: [x, y, z].
  update(rows) {
    for (const [dt, ax, ay, az, gx, gy, gz] of rows) {
      const norm = Math.hypot(ax, ay, az) || 1;
      const up = [ax / norm, ay / norm, az / norm];
      if (this.#q === null) {
        this.#q = level(up);
        this.down = turned(conjugate(this.#q), [0, 0, -1]);
        continue;
      }
      const seen = turned(conjugate(this.#q), [0, 0, 1]);
      const pull = cross(up, seen).map((x) => PULL * x);
      this.#q = unit(times(this.#q, [1, (gx + pull[0]) * dt / 2, (gy + pull[1]) * dt / 2, (gz + pull[2]) * dt / 2]));
    }
    return this.#q && turned(this.#q, this.down);
  }
}

const conjugate = ([w, x, y, z]) => [w, -x, -y, -z];
const cross = ([a, b, c], [x, y, z]) => [b * z - c * y, c * x - a * z, a * y - b * x];
const unit = (q) => q.map((x) => x / Math.hypot(...q));
const times = ([a, b, c, d], [w, x, y, z]) => [
  a * w - b * x - c * y - d * z, a * x + b * w + c * z - d * y, a * y - b * z + c * w + d * x, a * z + b * y - c * x + d * w,
];
const turned = (q, v) => times(times(q, [0, ...v]), conjugate(q)).slice(1);

// The shortest turn that brings `up` to z.
function level([x, y, z]) {
  return z < -0.999 ? [0, 1, 0, 0] : unit([1 + z, y, -x, 0]);
}

// The leg's drawing: it hangs from the knee, in the plane in which it moves most.
export class Leg {
  #xx = 0;
  #xy = 0;
  #yy = 0;

  // drawing: of SVG, straight down from (0, 0), which is turned.
  constructor(drawing) {
    this.drawing = drawing;
  }

  draw([x, y, z]) {
    const fade = 0.99;
    this.#xx = fade * this.#xx + x * x;
    this.#xy = fade * this.#xy + x * y;
    this.#yy = fade * this.#yy + y * y;
    const plane = Math.atan2(2 * this.#xy, this.#xx - this.#yy) / 2; // the direction with the most movement
    const out = x * Math.cos(plane) + y * Math.sin(plane);
    this.drawing.setAttribute("transform", `rotate(${((-Math.atan2(out, -z) * 180) / Math.PI).toFixed(1)})`);
  }
}
