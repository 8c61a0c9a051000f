// A person as lines whose leg moves with an angle. Proportions are ours. x: forward, or along the legs of who lies;
// y: to the person's left; z: up; in thighs.
const NS = "http://www.w3.org/2000/svg";
const HALF = 0.24, SHANK = 0.98, FOOT = 0.42, TRUNK = 1.25, HEAD = 0.2, BAND = 0.8;
const rad = (deg) => (deg * Math.PI) / 180;
const add = (a, b, scale = 1) => a.map((value, i) => value + scale * b[i]);

// side: 1 left, -1 right · sign: of the joint · turn: rad -> [hip, knee, ankle, toe] of the leg that moves.
const POSES = {
  kneeling: {
    camera: [140, 28], rest: (side) => [[0, -side * HALF, 0], [0.04, -side * HALF, -1], [0, -side * HALF, -2], [0.4, -side * HALF, -2]],
    trunk: [0, 0, 1], ground: (side) => [[-0.18, side * HALF - 0.2, -1.08], [0.26, side * HALF - 0.2, -1.08], [0.26, side * HALF + 0.2, -1.08], [-0.18, side * HALF + 0.2, -1.08]],
    leg(angle, side, sign) {
      const hip = [0, side * HALF, 0], knee = [0, side * HALF, -1], along = [-Math.cos(angle), -side * sign * Math.sin(angle), 0];
      const ankle = add(knee, along, SHANK);
      return [hip, knee, ankle, add(add(ankle, along, 0.12), [0, 0, -1], 0.8 * FOOT)];
    },
    pivot: 1,
  },
  sitting: {
    camera: [62, 12], rest: (side) => [[0, -side * HALF, 0], [1, -side * HALF, 0], [1, -side * HALF, -SHANK], [1 + FOOT, -side * HALF, -SHANK]],
    trunk: [-0.06, 0, 1], ground: () => [[-0.35, -0.5, -0.12], [0.75, -0.5, -0.12], [0.75, 0.5, -0.12], [-0.35, 0.5, -0.12]],
    leg(angle, side) {
      const knee = [1, side * HALF, 0], ankle = add(knee, [Math.sin(angle), 0, -Math.cos(angle)], SHANK);
      return [[0, side * HALF, 0], knee, ankle, add(ankle, [Math.cos(angle), 0, Math.sin(angle)], FOOT)];
    },
    pivot: 1,
  },
  supine: {
    camera: [72, 14], rest: (side) => [[0, -side * HALF, 0], [0.78, -side * HALF, 0.62], [1.25, -side * HALF, -0.1], [1.25 + FOOT, -side * HALF, -0.1]],
    trunk: [-1, 0, 0], ground: () => [[-1.9, -0.5, -0.16], [2.2, -0.5, -0.16], [2.2, 0.5, -0.16], [-1.9, 0.5, -0.16]],
    leg(angle, side) {
      const hip = [0, side * HALF, 0], along = [Math.cos(angle), 0, Math.sin(angle)], ankle = add(hip, along, 1 + SHANK);
      return [hip, add(hip, along), ankle, add(ankle, [-Math.sin(angle), 0, Math.cos(angle)], FOOT)];
    },
    pivot: 0,
  },
  prone: {
    camera: [72, 14], rest: (side) => [[0, -side * HALF, 0], [1, -side * HALF, 0], [1 + SHANK, -side * HALF, 0], [1.2 + SHANK, -side * HALF, -0.1]],
    trunk: [-1, 0, 0], ground: () => [[-1.9, -0.5, -0.16], [2.2, -0.5, -0.16], [2.2, 0.5, -0.16], [-1.9, 0.5, -0.16]],
    leg(angle, side) {
      const hip = [0, side * HALF, 0], along = [Math.cos(angle), 0, Math.sin(angle)], ankle = add(hip, along, 1 + SHANK);
      return [hip, add(hip, along), ankle, add(ankle, along, 0.7 * FOOT)];
    },
    pivot: 0,
  },
  side_lying: {
    camera: [78, 12], rest: () => [[0, 0, -HALF], [0.9, 0.35, -HALF], [1.6, -0.1, -HALF], [1.7, 0.3, -HALF]],
    trunk: [-1, 0, 0], ground: () => [[-1.9, -0.5, -0.4], [2.2, -0.5, -0.4], [2.2, 0.5, -0.4], [-1.9, 0.5, -0.4]],
    leg(angle) {
      const hip = [0, 0, HALF], along = [Math.cos(angle), 0, Math.sin(angle)], ankle = add(hip, along, 1 + SHANK);
      return [hip, add(hip, along), ankle, add(ankle, [0, 1, 0], FOOT)];
    },
    pivot: 0,
  },
};

// svg: gets its lines · track: {pose, sign} as of the exercise · side: left or right.
export function figure(svg, { pose, sign }, side) {
  const body = POSES[pose], towards = side === "left" ? 1 : -1;
  const [azimuth, height] = [rad(body.camera[0]) * towards, rad(body.camera[1])];
  const right = [-Math.sin(azimuth), Math.cos(azimuth), 0];
  const up = [-Math.sin(height) * Math.cos(azimuth), -Math.sin(height) * Math.sin(azimuth), Math.cos(height)];
  const flat = (point) => [right, up].map((way, i) => (i ? -1 : 1) * way.reduce((sum, value, j) => sum + value * point[j], 0));
  const line = (points) => points.map((point) => flat(point).map((value) => value.toFixed(3)).join(",")).join(" ");
  const part = (name, of) => {
    const element = document.createElementNS(NS, name);
    element.setAttribute("class", of);
    svg.append(element);
    return element;
  };

  svg.replaceChildren();
  const leg = (deg) => body.leg(rad(deg), towards, sign);
  const rest = body.rest(towards), neck = body.trunk.map((value) => TRUNK * value), head = body.trunk.map((value) => (TRUNK + 1.5 * HEAD) * value);
  const hips = [leg(0)[0], rest[0]];
  part("polygon", "ground").setAttribute("points", line(body.ground(towards)));
  for (const points of [rest, hips, [[0, 0, 0], neck]]) part("polyline", "body").setAttribute("points", line(points));
  const [cx, cy] = flat(head), skull = part("circle", "head");
  Object.entries({ cx, cy, r: HEAD }).forEach(([name, value]) => skull.setAttribute(name, value));
  const sweep = part("polygon", "sweep"), moving = part("polyline", "moves"), band = part("circle", "band");
  band.setAttribute("r", 0.085);

  const all = [...rest, ...body.ground(towards), ...hips, head, ...[-5, 0, 25, 50, 75].flatMap(leg)].map(flat);
  const [xs, ys] = [0, 1].map((i) => all.map((point) => point[i]));
  const pad = 1.6 * HEAD, [x, y] = [Math.min(...xs) - pad, Math.min(...ys) - pad];
  svg.setAttribute("viewBox", [x, y, Math.max(...xs) + pad - x, Math.max(...ys) + pad - y].map((value) => value.toFixed(3)).join(" "));

  // deg: from rest; null: not known, and the leg is drawn as it rests, faintly.
  return (deg) => {
    const known = deg !== null && deg !== undefined, angle = known ? Math.min(Math.max(deg, -25), 100) : 0, points = leg(angle);
    svg.classList.toggle("unknown", !known);
    moving.setAttribute("points", line(points));
    const way = Array.from({ length: 13 }, (_each, i) => leg((angle * i) / 12)[2]);
    sweep.setAttribute("points", line([points[body.pivot], ...way]));
    const [bx, by] = flat(add(points[1], add(points[2], points[1], -1), BAND));
    band.setAttribute("cx", bx);
    band.setAttribute("cy", by);
  };
}
