// The link's secret stands behind the #, where no server and no log sees it: into the form with it, and on.
const secret = location.hash.slice(1);
if (secret) {
  history.replaceState(null, "", location.pathname);
  document.getElementById("secret").value = secret;
  document.getElementById("invitation").submit();
}
