// What Voila's own scripts call while a page opens.
window.voila_heartbeat = () => undefined;
window.voila_process = () => undefined;
window.voila_finish = () => {
  window.cellLoaded = true;
  const shown = document.getElementById("page");
  if (shown) shown.hidden = false;
};

// The skeleton goes when the first part of the page has something to show.
window.addEventListener("DOMContentLoaded", () => {
  const loading = document.getElementById("loading");
  const done = () => {
    const there = document.querySelector(
      ".dmp-pick, .dmp-message, .dmp-empty, .dmp-stopped, .dmp-output > * > *",
    );
    if (there && loading) loading.remove();
    return there;
  };
  if (done()) return;
  const observer = new MutationObserver(() => done() && observer.disconnect());
  observer.observe(document.body, { childList: true, subtree: true });
});
