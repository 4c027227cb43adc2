// A table of versions in a card.
function render({ model, el }) {
  const chart = (content) => table(["Since", "Members", "What changed"], content.rows,
    model.get("title"), [false, true, false]);
  return card(model, el, { chart, rows: null });
}

export default { render };
