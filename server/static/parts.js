// Parts of a page changed in place, by htmx: it comes when the page is there. Until then links and forms load pages; what
// was typed or chosen meanwhile is told to it.
let early = null;
const typed = ({ target }) => (early = target);
document.addEventListener("input", typed);

addEventListener("load", () => requestAnimationFrame(() => setTimeout(load))); // when it has been painted

function load() {
  const htmx = document.createElement("script");
  htmx.src = new URL("./vendor/htmx/htmx.min.js", import.meta.url).href;
  htmx.onload = () => {
    document.removeEventListener("input", typed);
    early?.dispatchEvent(new Event("input", { bubbles: true }));
  };
  document.head.append(htmx);
}
