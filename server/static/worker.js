// The service worker: where there is no network, the band's page and what it is made of come from here. Nothing else is
// kept: no answer of the API, no page that was made for somebody. Served with VERSION and KEPT before it, as /sw.js.
const PAGE = "/band";
const PATIENCE_MS = 4_000; // for a network that swallows everything, as in a tunnel

addEventListener("install", (event) => {
  const all = [PAGE, ...KEPT].map((path) => new Request(path, { credentials: "omit", cache: "reload" }));
  event.waitUntil(caches.open(VERSION).then((cache) => cache.addAll(all)).then(() => skipWaiting()));
});

addEventListener("activate", (event) => {
  const old = caches.keys().then((names) => Promise.all(names.filter((name) => name !== VERSION).map((name) => caches.delete(name))));
  event.waitUntil(old.then(() => clients.claim()));
});

addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== location.origin) return;
  const kept = request.mode === "navigate" ? PAGE : KEPT.includes(pathname) ? pathname : null;
  if (kept) event.respondWith(fresh(request, kept));
});

// The network's; when there is none, ours.
async function fresh(request, kept) {
  const found = fetch(request);
  const late = new Promise((go) => setTimeout(go, PATIENCE_MS));
  try {
    const answer = await Promise.race([found, late]);
    if (answer) return answer;
  } catch {} // no network
  const ours = await (await caches.open(VERSION)).match(kept);
  return ours ?? found;
}
