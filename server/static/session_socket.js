// A session's live socket: what the server says of it, and how long it has said nothing.
const SILENT_MS = 3000; // the server speaks at least once a second
const ENDED = 4000, LOGIN = 4001, UNKNOWN = 4004; // close codes of server/api/live.py

// hear: state(message), event(message) for repetitions and the like, ended(), refused("login" or "unknown"),
// silent(seconds), joined(): after each connection, when events may have been missed.
export function listen(id, hear) {
  let heard = performance.now(), retryMs = 500, over = false, socket = null;

  function connect() {
    const url = new URL(`/api/v1/sessions/${id}/live`, location.href);
    url.protocol = url.protocol.replace("http", "ws");
    socket = new WebSocket(url);
    let first = true;
    socket.onmessage = ({ data }) => {
      heard = performance.now();
      retryMs = 500;
      const message = JSON.parse(data);
      if (message.type === "ended") return end();
      if (first) hear.joined();
      first = false;
      if (message.type === "state") hear.state(message);
      else hear.event(message);
    };
    socket.onclose = ({ code }) => {
      if (over) return;
      if (code === ENDED) return end();
      if (code === LOGIN || code === UNKNOWN) {
        over = true;
        return hear.refused(code === LOGIN ? "login" : "unknown");
      }
      setTimeout(connect, retryMs);
      retryMs = Math.min(retryMs * 2, 5000);
    };
  }

  function end() {
    if (over) return;
    over = true;
    hear.ended();
  }

  function look() {
    const silent = performance.now() - heard;
    if (!over && silent > SILENT_MS) hear.silent(Math.round(silent / 1000));
  }

  setInterval(look, 500);
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState !== "visible" || over) return;
    look(); // what stood here while nobody looked may be old
    if (performance.now() - heard > SILENT_MS) socket.close();
  });
  connect();
}
