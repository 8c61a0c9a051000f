// What is drawn over a curve: a shape a kind, as shapes.html draws them, and hatching where packets are missing.

export function kindOf(rep) {
  if (!rep.counted) return rep.flags.includes("partial") ? "partial" : "out_of_pose";
  return rep.compensated ? "compensated" : "good";
}

// r: half its size, in pixels of the canvas
export function mark(ctx, kind, x, y, colour, r = 4.5 * devicePixelRatio) {
  ctx.fillStyle = ctx.strokeStyle = colour;
  ctx.lineWidth = 1.2 * devicePixelRatio;
  ctx.beginPath();
  if (kind === "compensated") {
    ctx.moveTo(x, y - r);
    ctx.lineTo(x + r, y + r);
    ctx.lineTo(x - r, y + r);
    ctx.fill();
  } else if (kind === "removed") {
    for (const side of [1, -1]) {
      ctx.moveTo(x - r, y - side * r);
      ctx.lineTo(x + r, y + side * r);
    }
    ctx.stroke();
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

export function hatch(ctx, from, to, top, height) {
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
