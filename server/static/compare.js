// Two curves on one scale that are zoomed together.
import { asked, charting } from "./charting.js";
import { _ } from "./words.js";

const elements = [...document.querySelectorAll(".chart[data-session]")];
const says = document.getElementById("curve-says");

function show(both, { broken, Chart, reach }) {
  const ends = both.map(([full, curve]) => Math.max(full.result.duration_s, curve.t_s.at(-1) ?? 0));
  const span = [0, Math.max(...ends)], reaches = both.map(([, curve]) => reach(curve));
  const degrees = [Math.min(...reaches.map(([low]) => low)), Math.max(...reaches.map(([, high]) => high))];
  let charts = [];
  charts = both.map(([full, curve], i) => {
    const { result, history } = full;
    return new Chart(elements[i], {
      data: broken(curve, result.gaps), reps: history.corrected?.reps ?? result.reps, gaps: result.gaps, sets: result.sets, span, degrees,
      zoomed: (from, to) => charts.forEach((chart, j) => j !== i && (chart.shown[0] !== from || chart.shown[1] !== to) && chart.show(from, to)),
    });
  });
  for (const [i, element] of elements.entries()) {
    const chart = charts[i];
    const keys = {
      "+": () => chart.zoom(0.5), "=": () => chart.zoom(0.5), "-": () => chart.zoom(2), 0: () => chart.show(...span),
      ArrowRight: () => chart.pan(0.2), ArrowLeft: () => chart.pan(-0.2),
    };
    element.addEventListener("keydown", (event) => {
      if (!(event.key in keys) || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      keys[event.key]();
    });
  }
}

async function begin() {
  if (!document.querySelector(".first")) says.textContent = _("Loading the curve …");
  try {
    const urls = elements.map((element) => `/api/v1/sessions/${element.dataset.session}`);
    const both = Promise.all(urls.map((url) => Promise.all([asked(url), asked(`${url}/curve`)])));
    show(...(await Promise.all([both, charting()])));
    says.textContent = "";
  } catch (error) {
    says.textContent = _("The curves could not be loaded. The tables have every number; load the page again to try once more.");
    console.warn(error);
  }
}

// When the page has been painted, which is of use without zoom.
requestAnimationFrame(() => setTimeout(begin));
