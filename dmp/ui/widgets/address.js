// Another segment is a step that the back button undoes; the rest only renames it.
function rename(query, first) {
  const [now, next] = [
    new URLSearchParams(location.search),
    new URLSearchParams(query),
  ];
  if (now.toString() === next.toString()) return;
  const step = !first && now.get("segment") !== next.get("segment");
  const address = query ? `?${query}` : location.pathname;
  history[step ? "pushState" : "replaceState"](null, "", address);
}

function render({ model, el }) {
  el.style.display = "none";
  model.send({ kind: "shown" });
  const served = document.documentElement.dataset.dmp === "page";
  if (!served) return undefined;
  const opened = location.search.replace(/^\?/, "");
  let first = true;
  const visit = () => model.send({ kind: "visit", query: location.search });
  window.addEventListener("popstate", visit);
  const stop = follow(model, (content) => {
    if (content.state !== "ready") return;
    if (first && opened && content.asked !== opened) visit();
    else rename(content.query, first);
    document.title = content.title ? `${content.title} · dmp` : "dmp";
    first = false;
  });
  return () => {
    stop();
    window.removeEventListener("popstate", visit);
  };
}

export default { render };
