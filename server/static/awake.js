// Keeps the screen from going dark. The browser takes that back whenever the page is hidden, so it is asked for again.

// The function that ends it.
export function awake() {
  let lock = null, over = false;

  async function ask() {
    if (over || document.visibilityState !== "visible") return;
    lock = await navigator.wakeLock?.request("screen").catch(() => null); // an empty battery; the screen may go dark then
    if (over) lock?.release();
  }

  document.addEventListener("visibilitychange", ask);
  ask();
  return () => {
    over = true;
    lock?.release();
  };
}
