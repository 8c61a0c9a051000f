// On every page of a person whose sessions may be on this device: keeps the band's page for when there is no network,
// sends what waits, and at the log-out leaves nothing of theirs behind.
const owner = document.querySelector("meta[name=owner]").content;
const SEND_MS = 10_000; // what is sent at the log-out, at most
const journal = () => import("./bands/journal.js");
const sending = () => import("./bands/sync.js").then(({ sync }) => sync(owner));

// All that can be: what another tab still records cannot.
async function sent() {
  const { elsewhere } = await import("./bands/sync.js");
  if (await elsewhere()) return;
  await Promise.race([sending(), new Promise((go) => setTimeout(go, SEND_MS))]);
}

for (const form of document.querySelectorAll('form[action="/logout"]')) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    await sent();
    const { forgetOf, sessions } = await journal();
    const left = (await sessions()).filter((session) => session.owner === owner).length;
    if (left && !confirm(form.dataset.ask)) return;
    await forgetOf(owner);
    form.submit();
  });
}

// After the page itself.
addEventListener("load", () => {
  navigator.serviceWorker?.register("/sw.js").catch(() => {}); // without one there is only no page without a network
  journal().then((found) => found.owner(owner)).catch(() => {}); // a full disk
  if (!document.getElementById("band")) sending(); // the band's page does it itself, and shows it
});
