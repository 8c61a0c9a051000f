// Goes to the newest session as soon as one begins.
async function look() {
  try {
    const answer = await fetch("/api/v1/sessions?limit=5");
    const { sessions } = await answer.json();
    const running = sessions.find((session) => session.state !== "ended");
    if (running) return location.replace(`/sessions/${running.id}/live`);
  } catch {
    // The server is away; it may come back.
  }
  setTimeout(look, 1000);
}
look();
