// The page of jobs: checks with their trends, runs, and one run's executed notebook.
const LEVEL = { done: "ok", running: "run", failed: "problem", "timed out": "problem",
                interrupted: "warning", passed: "ok", not_measured: "warning" };

function status(text) {
  return node("span", { class: "dmp-status" },
    node("i", { class: "dmp-dot", "data-level": LEVEL[text], "aria-hidden": "true" }),
    text.replace("_", " "));
}

function spark(check) {
  const known = check.points.map((y, x) => [x, y]).filter(([, y]) => y !== null);
  if (known.length < 2) return node("span", { class: "dmp-faint" }, "one run so far");
  const [width, height] = [150, 30];
  const all = [...known.map(([, y]) => y), check.line];
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const x = (at) => (at / (check.points.length - 1)) * width;
  const y = (v) => height - 3 - ((v - low) / (high - low || 1)) * (height - 6);
  const path = known.map(([at, v], i) => `${i ? "L" : "M"}${x(at)},${y(v)}`).join("");
  const drawn = picture(width, height,
    `${check.name} over the last ${check.points.length} runs, now ${check.measured}, ` +
    `bound ${check.bound}`,
    shape("line", { x1: 0, x2: width, y1: y(check.line), y2: y(check.line) }),
    shape("path", { d: path }));
  drawn.classList.add("dmp-beating");
  return drawn;
}

function listing(caption, heads, rows) {
  return node("div", { class: "dmp-scroll", tabindex: "0", role: "region",
                       "aria-label": caption },
    node("table", {}, node("caption", { class: "dmp-hidden" }, caption),
      node("thead", {}, node("tr", {}, heads.map((one) =>
        node("th", { scope: "col" }, one)))),
      node("tbody", {}, rows)));
}

function board(title, control, ...children) {
  return node("section", { class: "dmp-card", "aria-label": title },
    node("div", { class: "dmp-card-head" }, node("div", { class: "dmp-card-words" },
      node("h2", {}, title)), control), ...children);
}

function scopes(check) {
  return listing(check.name,
    ["Of", "State", "Now", "Bound", "Over time", "Since"],
    check.scopes.map((one) => node("tr", {}, node("td", {}, one.scope || "everything"),
      node("td", {}, status(one.status)), node("td", {}, one.measured),
      node("td", {}, one.bound), node("td", {}, spark(one)),
      node("td", {}, one.since ? when(one.since) : ""))));
}

function gravest(one) {
  const trend = one.points.filter((point) => point !== null).length > 1;
  return node("span", { class: "dmp-gravest" },
    node("span", {}, one.scope ? `${one.scope}: ${one.measured}` : one.measured),
    trend ? spark(one) : null);
}

// One line a check; those that failed are open, and what the viewer opened stays so.
function checks(content, opened, send) {
  const check = node("button", { class: "dmp-button", type: "button", "data-key": "check",
    disabled: Boolean(content.running), onclick: () => send({ kind: "check" }) },
    content.running === "checks" ? "Checking…" : "Run the checks");
  if (content.checks_problem)
    return board("Data quality", check, message(content.checks_problem));
  if (!content.checks.length)
    return board("Data quality", check, node("p", { class: "dmp-faint" },
      "No check has run yet: freshness, volume, nulls, duplicates, match rate, consent. " +
      "Each run adds a point here, and the job “quality” of the schedule runs " +
      "them daily."));
  return board("Data quality", check, content.checks.map((one) => node("details",
    { class: "dmp-check", "data-check": one.name,
      open: opened.get(one.name) ?? one.status === "failed",
      ontoggle: (event) => opened.set(one.name, event.target.open) },
    node("summary", {}, node("b", {}, one.name), node("span", { class: "dmp-status" },
      node("i", { class: "dmp-dot", "data-level": LEVEL[one.status],
                  "aria-hidden": "true" }), one.text), gravest(one.scopes[0])),
    scopes(one))));
}

function runs(content, send) {
  if (!content.runs.length)
    return board("Runs", null, node("p", { class: "dmp-faint" },
      "No notebook ran yet. `dmp run NOTEBOOK` runs one and records it here."));
  const rows = content.runs.map((run) => node("tr",
    { "aria-current": run.run === content.open ? "true" : null },
    node("td", {}, node("button", { class: "dmp-plainlink", type: "button",
      "data-run": run.run, "data-key": run.run, onclick: () => send({ kind: "open", run: run.run }) },
      run.name)),
    node("td", {}, status(content.running === run.run ? "running" : run.status)),
    node("td", {}, when(run.at)),
    node("td", { class: "dmp-whole" }, run.seconds),
    node("td", {}, node("button", { class: "dmp-quiet", type: "button",
      "aria-label": `Run ${run.name} again`, disabled: Boolean(content.running),
      onclick: () => send({ kind: "retry", run: run.run }) }, "Run again"))));
  return board("Runs", null,
    content.running && content.running !== "checks" ? node("p", { role: "status" }, "A run is under way; it appears " +
      "here when it ends.") : null,
    listing("Runs of notebooks", ["Notebook", "State", "Began", "Took", ""], rows),
    content.more ? node("p", { class: "dmp-faint" }, `and ${content.more} older ones`)
      : null);
}

function cell(one) {
  const picked = one.pictures.map((data) => node("img", { alt: "Picture in the notebook",
    src: `data:image/png;base64,${data}` }));
  if (one.kind === "markdown") {
    const [first, ...rest] = one.source.split("\n");
    const heading = /^#+ (.*)/.exec(first);
    return node("div", { class: "dmp-cell" },
      heading ? node("b", {}, heading[1]) : null,
      node("p", {}, (heading ? rest : [first, ...rest]).join("\n").trim()));
  }
  return node("div", { class: "dmp-cell", "data-failed": Boolean(one.error) },
    node("pre", { class: "dmp-source", tabindex: "0" }, one.source),
    one.output ? node("pre", { tabindex: "0" }, one.output) : null, picked,
    one.error ? node("pre", { class: "dmp-error", tabindex: "0" }, one.error) : null);
}

function detail(found, send) {
  const close = node("button", { class: "dmp-button", type: "button",
    onclick: () => send({ kind: "open", run: null }) }, "Close");
  if (found.state !== "ready")
    return board("Executed notebook", close, message(found));
  const facts = [...found.parameters, ...found.versions];
  return board(`${found.name}: executed notebook`, close,
    node("p", {}, status(found.status), " ", when(found.at), ` · ${found.seconds}`),
    found.error ? message({ state: "failed", message: found.error }) : null,
    node("details", {}, node("summary", {}, "Parameters, versions, commits"),
      node("p", {}, facts.map(([key, value]) => node("code", {}, `${key}=${value} `))),
      node("p", {}, found.commits.join(" · "))),
    node("h2", { class: "dmp-small-head" }, "Cells"),
    found.cells.length ? found.cells.map(cell)
      : node("p", { class: "dmp-faint" }, "This run left no executed copy."));
}

function render({ model, el }) {
  el.classList.add("dmp", "dmp-jobs");
  const send = (message) => model.send(message);
  let opened = null;
  const unfolded = new Map();
  return follow(model, (content) => {
    if (content.state === "loading") return el.replaceChildren(skeleton());
    if (content.state !== "ready") return el.replaceChildren(message(content));
    const focused = document.activeElement?.dataset?.key;
    el.replaceChildren(
      node("header", { class: "dmp-hello" }, node("h1", {}, "Quality and jobs"),
        node("p"), node("button", { class: "dmp-button", type: "button",
          onclick: () => send({ kind: "refresh" }) }, "Refresh")),
      content.detail ? detail(content.detail, send) : "",
      checks(content, unfolded, send), runs(content, send));
    if (content.open !== opened && content.open) el.scrollIntoView();
    opened = content.open;
    if (focused) el.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
    return undefined;
  });
}

export default { render };
