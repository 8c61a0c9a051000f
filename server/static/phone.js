// On every page of a person whose sessions may be on this device: keeps the band's page for when there is no network,
// sends what waits, and at the log-out leaves nothing of theirs behind.
const owner = document.querySelector("meta[name=owner]")?.content ?? "";
const SEND_MS = 10_000; // what is sent at the log-out, at most

navigator.serviceWorker?.register("/sw.js").catch(() => {}); // without one there is only no page without a network

const journal = () => import("./bands/journal.js");
const { sync } = await import("./bands/sync.js");
if (owner) await (await journal()).owner(owner);
if (owner && !document.getElementById("band")) sync(owner); // the band's page does it itself, and shows it

for (const form of document.querySelectorAll('form[action="/logout"]')) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    await Promise.race([sync(owner), new Promise((go) => setTimeout(go, SEND_MS))]);
    const { forgetOf, sessions } = await journal();
    const left = (await sessions()).filter((session) => session.owner === owner).length;
    if (left && !confirm(form.dataset.ask)) return;
    await forgetOf(owner);
    form.submit();
  });
}
