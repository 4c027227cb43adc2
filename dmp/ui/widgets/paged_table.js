function pager(content, turn) {
  const { page, pages, first, rows, total } = content;
  const step = (label, to, off) =>
    node(
      "button",
      {
        class: "dmp-button",
        type: "button",
        disabled: off,
        "data-turn": to > page ? "next" : "back",
        onclick: () => turn(to),
      },
      label,
    );
  return node(
    "div",
    { class: "dmp-pager" },
    node(
      "span",
      { "aria-live": "polite" },
      `${first} to ${first + rows.length - 1} of ${total} examples`,
    ),
    pages > 1
      ? [step("Back", page - 1, page === 0), step("Next", page + 1, page >= pages - 1)]
      : null,
  );
}

function render({ model, el }) {
  const turn = (page) => {
    const wanted = document.activeElement?.dataset.turn;
    model.send({ kind: "turn", page });
    const focus = () => {
      const button =
        el.querySelector(`[data-turn="${wanted}"]:not([disabled])`) ||
        el.querySelector("[data-turn]:not([disabled])");
      button?.focus();
      model.off("change:content", focus);
    };
    model.on("change:content", focus);
  };
  const chart = (content) =>
    node(
      "div",
      { class: "dmp-rows" },
      content.note ? node("p", { class: "dmp-note" }, content.note) : null,
      content.rows.length
        ? [
            table(content.columns, content.rows, "Example members", content.numeric),
            pager(content, turn),
          ]
        : null,
    );
  return card(model, el, { chart, rows: null });
}

export default { render };
