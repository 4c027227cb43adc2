const KEYS = {
  m: "match",
  n: "no_match",
  u: "unsure",
  z: "undo",
  j: "next",
  ArrowRight: "next",
  k: "back",
  ArrowLeft: "back",
  v: "values",
};
const VERDICTS = [
  ["match", "Match", "M"],
  ["no_match", "No match", "N"],
  ["unsure", "Unsure", "U"],
];
const STEPS = [
  ["undo", "Undo", "Z"],
  ["back", "Back", "K"],
  ["next", "Next", "J"],
];

function button(act, label, key, send, options = {}) {
  return node(
    "button",
    {
      class: `dmp-button ${options.kind || ""}`,
      type: "button",
      disabled: options.off,
      "data-act": act,
      "aria-pressed": options.pressed === undefined ? null : String(options.pressed),
      "aria-keyshortcuts": key,
      onclick: () => send(act),
    },
    label,
    node("kbd", { "aria-hidden": "true" }, key),
  );
}

function side(content, index) {
  const { source, kind, profile } = content.sides[index];
  return node(
    "th",
    { scope: "col" },
    node("b", {}, `${source} ${kind}`),
    node("span", {}, profile),
  );
}

function value(row, which) {
  const text = row[which];
  const attributes = { class: row.equal ? "dmp-same" : "" };
  if (text === null) attributes.class = "dmp-none";
  return node("td", attributes, text ?? row.absent[which === "left" ? 0 : 1]);
}

function says(row) {
  const kind = row.sign > 0 ? "dmp-for" : row.sign < 0 ? "dmp-against" : "";
  return [
    node("td", { class: "dmp-level" }, row.level),
    node(
      "td",
      { class: "dmp-number" },
      row.bits ? node("span", { class: `dmp-bits ${kind}` }, row.bits) : "",
    ),
  ];
}

function fields(content) {
  const head = node(
    "tr",
    {},
    node("th", { scope: "col" }, "Field"),
    side(content, 0),
    side(content, 1),
    node("th", { scope: "col" }, "Agreement"),
    node("th", { scope: "col", class: "dmp-number" }, "Bits"),
  );
  const rows = content.fields.map((row) =>
    node(
      "tr",
      {},
      node("th", { scope: "row" }, row.field),
      value(row, "left"),
      value(row, "right"),
      says(row),
    ),
  );
  return node(
    "div",
    { class: "dmp-scroll", tabindex: "0", role: "region", "aria-label": "The pair" },
    node(
      "table",
      { class: "dmp-pair" },
      node("caption", { class: "dmp-hidden" }, "The two records, field by field"),
      node("thead", {}, head),
      node("tbody", {}, rows),
    ),
  );
}

function heading(content) {
  return node(
    "div",
    { class: "dmp-ask" },
    node(
      "div",
      {},
      node("h1", { tabindex: "-1" }, "One person?"),
      node(
        "p",
        {},
        `${content.because}. ${content.now}, ${content.stake}.`,
      ),
    ),
    node(
      "div",
      { class: "dmp-score" },
      node("b", {}, content.weight),
      node("span", {}, content.odds),
    ),
  );
}

function note(content) {
  if (!content.may_read)
    return "Values are masked: clear ones need the role matcher. Agreement is shown.";
  return content.clear
    ? "Clear values are shown, and each pair that you see is logged."
    : "Values are masked.";
}

function controls(content, send) {
  const off = !content.may_label;
  const verdicts = VERDICTS.map(([act, label, key]) =>
    button(act, label, key, send, {
      off,
      pressed: content.verdict === act,
      kind: `dmp-verdict dmp-${act}`,
    }),
  );
  const steps = STEPS.map(([act, label, key]) =>
    button(act, label, key, send, {
      off: (act === "undo" && !content.may_undo) || (act === "back" && content.first),
    }),
  );
  return node(
    "div",
    { class: "dmp-acts" },
    node("div", { role: "group", "aria-label": "Verdict" }, verdicts),
    node("div", { role: "group", "aria-label": "Go" }, steps),
  );
}

function values(content, send) {
  return node(
    "div",
    { class: "dmp-seen" },
    node("p", {}, note(content)),
    content.may_read
      ? button("values", content.clear ? "Mask values" : "Show values", "V", send)
      : null,
    content.may_label
      ? null
      : node("p", {}, "Labels need the role matcher; you can look."),
  );
}

function typing(target) {
  return target.closest?.("input, textarea, select, [contenteditable=true]");
}

function render({ model, el }) {
  el.classList.add("dmp");
  // In JupyterLab a letter is a command of the notebook; here it is a verdict.
  const box = node("section", {
    class: "dmp-card dmp-review",
    tabindex: "0",
    "aria-label": "Pair to judge; keys M, N, U, Z, J, K, V",
    "data-lm-suppress-shortcuts": "true",
  });
  el.append(box);
  const send = (act) => model.send({ kind: "act", act });
  const press = (event) => {
    const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
    const act = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!plain || !act || typing(event.target) || event.repeat) return;
    if (event.key.startsWith("Arrow") && event.target.closest(".dmp-graph")) return;
    if (model.get("content").state !== "ready" && !["undo", "back"].includes(act)) return;
    if (event.key !== "j" && box.querySelector(`[data-act=${act}]`)?.disabled) return;
    event.preventDefault();
    event.stopPropagation();
    send(act);
  };
  // A page of its own takes keys anywhere; a notebook only those pressed in the card.
  const served = document.documentElement.dataset.dmp === "page";
  const ears = served ? document : box;
  ears.addEventListener("keydown", press);
  const stop = follow(model, (content) => {
    const held = box.contains(document.activeElement)
      ? document.activeElement.dataset.act || "box"
      : "";
    box.replaceChildren(
      ...(content.state === "loading"
        ? [skeleton()]
        : content.state !== "ready"
          ? [message(content, content.state === "empty" ? "Nothing left to judge" : "")]
          : [
              heading(content),
              fields(content),
              controls(content, send),
              values(content, send),
            ]),
    );
    box.dataset.pair = content.id || "";
    if (held) (box.querySelector(`[data-act=${held}]:not([disabled])`) || box).focus();
  });
  return () => {
    stop();
    ears.removeEventListener("keydown", press);
  };
}

export default { render };
