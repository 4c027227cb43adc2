function acts(content, send, why) {
  const give = (kind) => () => send({ kind, reason: why.value.trim() });
  const picked = content.chosen;
  return node(
    "div",
    { class: "dmp-decide" },
    node(
      "label",
      {},
      "Why (kept with the decision; no personal data)",
      why,
    ),
    node(
      "div",
      { class: "dmp-decide-row" },
      node(
        "button",
        {
          class: "dmp-button",
          type: "button",
          disabled: !content.may_decide || !content.may_merge,
          "data-act": "merge",
          onclick: give("merge"),
        },
        "Merge the two profiles",
      ),
      node(
        "button",
        {
          class: "dmp-button",
          type: "button",
          disabled: !content.may_decide || !picked,
          "data-act": "split",
          onclick: give("split"),
        },
        picked
          ? `Split off ${picked} ${picked === 1 ? "record" : "records"}`
          : "Split off…",
      ),
      content.may_resolve || content.busy
        ? node(
            "button",
            {
              class: "dmp-button",
              type: "button",
              disabled: Boolean(content.busy),
              "data-act": "resolve",
              onclick: () => send({ kind: "resolve" }),
            },
            content.busy || `Apply ${content.waiting} now`,
          )
        : null,
    ),
    picked
      ? null
      : node(
          "p",
          { class: "dmp-hint" },
          "To split, pick records in the picture above by click, or Tab and Enter.",
        ),
  );
}

function past(content, send) {
  if (!content.rows.length)
    return node("p", { class: "dmp-hint" }, "Nobody has decided anything yet.");
  return node(
    "ul",
    { class: "dmp-decided" },
    content.rows.map((row) =>
      node(
        "li",
        { "data-decision": row.id },
        node("span", {}, row.text),
        node("small", {}, `${row.state}, ${row.by}`),
        row.may_undo
          ? node(
              "button",
              {
                class: "dmp-quiet",
                type: "button",
                "aria-label": `Undo: ${row.text}`,
                onclick: () => send({ kind: "undo", decision: row.id }),
              },
              "Undo",
            )
          : null,
      ),
    ),
  );
}

function render({ model, el }) {
  const why = node("input", { type: "text", maxlength: "200" });
  const send = (message) => {
    model.send(message);
    if (message.reason !== undefined) why.value = "";
  };
  const chart = (content) =>
    node(
      "div",
      { "data-lm-suppress-shortcuts": "true" },
      content.may_decide
        ? acts(content, send, why)
        : node("p", { class: "dmp-hint" }, "Merge and split need the role matcher."),
      past(content, send),
    );
  return card(model, el, { chart, rows: null });
}

export default { render };
