// The start page: health, figures, what needs attention, segments, runs, sources.
function panel(title, link, ...children) {
  return node("section", { class: "dmp-card", "aria-label": title },
    node("div", { class: "dmp-card-head" },
      node("div", { class: "dmp-card-words" }, node("h2", {}, title)),
      link ? node("a", { class: "dmp-link", href: link[1] }, link[0]) : null),
    ...children);
}

function dot(level) {
  return node("i", { class: "dmp-dot", "data-level": level, "aria-hidden": "true" });
}

function none(text) {
  return node("p", { class: "dmp-faint" }, text);
}

function health({ state, level, text, examined, ...rest }) {
  if (state === "loading")
    return node("p", { class: "dmp-health", "aria-busy": "true" }, dot("run"),
      node("b", {}, "Looking…"), node("small", {}, "keys, lake, files, settings"));
  if (state !== "ready") return message({ state, ...rest });
  return node("p", { class: "dmp-health", "data-level": level },
    dot(level), node("b", {}, text),
    node("small", {}, `${examined} things examined`));
}

function attention(content) {
  const lines = content.attention.map((one) =>
    node("li", {}, dot(one.level),
      node("div", {}, node("b", {}, one.title), node("p", {}, one.text),
        one.mend ? node("code", {}, one.mend) : null,
        one.link ? node("a", { class: "dmp-link", href: one.link }, "Look at it")
          : null)));
  return panel("Needs attention", null, health(content.health),
    lines.length ? node("ul", { class: "dmp-attention" }, lines) : null);
}

function segments(content) {
  const link = ["Build a segment", "/pages/segment_builder"];
  if (!content.segments.length)
    return panel("Segments", link, none("None yet. They appear here with their sizes."));
  const rows = content.segments.map((one) =>
    node("li", {}, node("a", { href: `/pages/segment_explorer?segment=${one.segment}` },
      one.name), node("span", { class: "dmp-faint" }, one.change),
      node("b", {}, one.people)));
  const more = content.more_segments
    ? node("a", { class: "dmp-link", href: "/pages/segment_explorer" },
           `and ${content.more_segments} more`) : null;
  return panel("Segments", link, node("ul", { class: "dmp-lines" }, rows), more);
}

const LEVEL = { done: "ok", running: "run", failed: "problem", "timed out": "problem",
                interrupted: "warning" };

function runs(content) {
  const link = ["All runs", "/pages/jobs"];
  if (content.runs_problem) return panel("Last runs", link, message(content.runs_problem));
  if (!content.runs.length)
    return panel("Last runs", link, none("No notebook ran yet."));
  return panel("Last runs", link, node("ul", { class: "dmp-lines" },
    content.runs.map((run) => node("li", {}, dot(LEVEL[run.status]),
      node("a", { href: `/pages/jobs?run=${encodeURIComponent(run.run)}` }, run.name),
      node("span", { class: "dmp-faint" }, run.status, " · ", run.seconds),
      when(run.at)))));
}

function sources(content) {
  if (!content.sources.length) return panel("Sources", null, none("Nothing loaded yet."));
  return panel("Sources", null, node("ul", { class: "dmp-lines" },
    content.sources.map((one) => node("li", {}, node("b", {}, one.source),
      node("span", { class: "dmp-faint" }, `${one.rows} rows`,
        one.refused ? ` · ${one.refused}` : ""), when(one.at)))));
}

function next(step) {
  if (!step) return null;
  return node("section", { class: "dmp-next", "aria-label": "Next step" },
    node("h2", {}, step.title), node("p", {}, step.text),
    (step.commands || []).map((command) => node("code", {}, command)),
    step.link ? node("a", { class: "dmp-button dmp-primary", href: step.link[1] },
      step.link[0]) : null);
}

function board(content, refresh) {
  const stamps = [["People resolved", content.resolved_at], ["Last sent", content.synced_at]]
    .filter(([, at]) => at);
  return [
    node("header", { class: "dmp-hello" }, node("h1", {}, "Home"),
      node("p", { class: "dmp-faint" }, stamps.map(([what, at]) =>
        node("span", {}, `${what} `, when(at)))),
      node("button", { class: "dmp-button", type: "button", onclick: refresh },
        "Refresh")),
    next(content.next),
    node("dl", { class: "dmp-figures" }, content.figures.map(([what, n]) =>
      node("div", {}, node("dt", {}, what), node("dd", {}, n)))),
    node("div", { class: "dmp-boards" }, attention(content), segments(content),
      runs(content), sources(content)),
  ].filter(Boolean);
}

function render({ model, el }) {
  el.classList.add("dmp", "dmp-home");
  return follow(model, (content) => {
    if (content.state === "loading") return el.replaceChildren(skeleton());
    if (content.state !== "ready") return el.replaceChildren(message(content));
    return el.replaceChildren(...board(content, () => model.send({ kind: "refresh" })));
  });
}

export default { render };
