// What draws a chart, for pages that can be read before: its modules, uPlot and its style are asked for at once, side by side.
const uplot = (name) => new URL(`./vendor/uplot/${name}`, import.meta.url).href;

function head(name, told) {
  return new Promise((onload, onerror) => document.head.append(Object.assign(document.createElement(name), told, { onload, onerror })));
}

async function load() {
  const [chart] = await Promise.all([
    import("./chart.js"), import("./marks.js"), head("script", { src: uplot("uPlot.iife.min.js") }),
    head("link", { rel: "stylesheet", href: uplot("uPlot.min.css") }),
  ]); // prettier-ignore
  return chart;
}

// Chart and what belongs to it; what did not come is asked for again the next time.
let parts = null;
export function charting() {
  parts ??= load().catch((error) => {
    parts = null;
    throw error;
  });
  return parts;
}

// The JSON of an address of the API.
export async function asked(url) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${answer.status} ${url}`);
  return answer.json();
}
