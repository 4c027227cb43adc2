function render({ model, el }) {
  el.style.display = "none";
  const served = document.documentElement.dataset.dmp === "page";
  if (!served) return undefined;
  const opened = location.search.replace(/^\?/, "");
  let first = true;
  const visit = () => model.send({ kind: "visit", query: location.search });
  window.addEventListener("popstate", visit);
  const stop = follow(model, (content) => {
    if (content.state !== "ready") return;
    const same = new URLSearchParams(location.search).toString() === content.query;
    if (first && opened && content.asked !== opened) visit();
    else if (!same) history[content.push && !first ? "pushState" : "replaceState"](null, "", content.query ? `?${content.query}` : location.pathname);
    document.title = content.title ? `${content.title} · dmp` : "dmp";
    first = false;
  });
  return () => {
    stop();
    window.removeEventListener("popstate", visit);
  };
}

export default { render };
