function part(title, content) {
  if (!content) return null;
  const body =
    content.state === "loading"
      ? [skeleton([60, 80])]
      : content.state !== "ready"
        ? [message(content)]
        : [
            ...content.lines.map((text) => node("p", {}, text)),
            content.rows.length
              ? table(content.columns, content.rows, title, [false, true, true])
              : null,
            content.audiences && content.audiences.length
              ? table(
                  ["Audience", "Now", "Then", "Enter", "Leave", "Become one"],
                  content.audiences,
                  "Audiences",
                  [false, true, true, true, true, true],
                )
              : null,
          ];
  return node("section", { "data-effect": title }, node("h3", {}, title), body);
}

function render({ model, el }) {
  const why = node("input", {
    type: "text",
    maxlength: "500",
    "aria-label": "Why these weights; kept with the model",
    placeholder: "Why these weights; kept with the model",
    oninput: () => {
      save.disabled = !model.get("content").moved || !why.value.trim();
    },
  });
  const save = node(
    "button",
    {
      class: "dmp-button",
      type: "button",
      "data-act": "save",
      onclick: () => {
        model.send({ kind: "save", reason: why.value.trim() });
        why.value = "";
      },
    },
    "Save as a new version",
  );
  const chart = (content) => {
    save.disabled = !content.moved || !why.value.trim();
    return node(
      "div",
      { class: "dmp-effect", "data-lm-suppress-shortcuts": "true" },
      content.moved
        ? null
        : node("p", { class: "dmp-soft" }, "No weight is moved: all is as it stands."),
      part("Pairs", content.pairs),
      part("People", content.people),
      node(
        "div",
        { class: "dmp-effect-row" },
        node(
          "button",
          {
            class: "dmp-button",
            type: "button",
            "data-act": "simulate",
            disabled: !content.moved || content.people?.state === "loading",
            onclick: () => model.send({ kind: "simulate" }),
          },
          "Simulate",
        ),
        why,
        save,
      ),
    );
  };
  return card(model, el, { chart, rows: null });
}

export default { render };
