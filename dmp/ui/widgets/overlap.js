// An UpSet chart: a row of dots for each combination, and a bar for its people.
function dots(content, row, index, width, at) {
  const step = 18, left = 10, bar = at.bar;
  const y = at.top + index * at.row + at.row / 2;
  const inside = row.inside.map((is, i) => [is, left + i * step]);
  const held = inside.filter(([is]) => is).map(([, x]) => x);
  const room = width - bar - 76;
  return [
    ...inside.map(([is, x]) =>
      shape("circle", { cx: x, cy: y, r: 5.5, class: is ? "in" : "out" })),
    held.length > 1 ? shape("line", { x1: Math.min(...held), x2: Math.max(...held),
      y1: y, y2: y, class: "link" }) : null,
    shape("rect", { x: bar, y: y - 8, width: Math.max(row.bar * room, 2), height: 16,
      rx: 4, class: "bar" }),
    shape("text", { x: bar + Math.max(row.bar * room, 2) + 8, y: y + 5,
      class: "strong" }, row.text),
  ];
}

function chart(content, width) {
  const n = content.names.length;
  const at = { row: 28, top: 10 + n * 20, bar: 10 + n * 18 + 14 };
  const heads = content.names.map((name, i) => [
    shape("line", { x1: 10 + i * 18, x2: 10 + i * 18, y1: i * 20 + 18, y2: at.top + 4,
      class: "lead" }),
    shape("text", { x: 10 + i * 18 + 8, y: i * 20 + 16, class: i ? "soft" : "strong" },
      clipped(name, width - 40 - i * 18)),
  ]);
  const rows = content.rows.map((row, i) => dots(content, row, i, width, at));
  const height = at.top + content.rows.length * at.row + 6;
  const title = `Overlap of ${content.names.join(", ")}: ` +
    content.rows.map((row) => `${row.label} ${row.text}`).join("; ");
  const drawn = picture(width, height, title, ...heads.flat(), ...rows.flat());
  drawn.classList.add("dmp-upset");
  return drawn;
}

function render({ model, el }) {
  const picker = node("fieldset", { class: "dmp-picker" });
  function pick(content, segment, on) {
    const now = content.options.filter(([, , is]) => is).map(([id]) => id);
    const segments = on ? [...now, segment] : now.filter((id) => id !== segment);
    model.send({ kind: "compare", segments });
  }
  function choices(content) {
    const focused = picker.contains(document.activeElement)
      ? document.activeElement.value : null;
    picker.replaceChildren(node("legend", { class: "dmp-hidden" }, "Compare with"),
      ...(content.options || []).map(([id, name, is]) => {
        const box = node("input", { type: "checkbox", value: id,
          disabled: !is && content.full, onchange: () => pick(content, id, box.checked) });
        box.checked = is;
        return node("label", {}, box, name);
      }));
    if (focused) picker.querySelector(`[value="${CSS.escape(focused)}"]`)?.focus();
  }
  const stop = card(model, el, {
    chart: (content, width) => (content.rows.length ? chart(content, width)
      : node("p", { class: "dmp-hint" }, "Tick the segments to compare with.")),
    rows: (content) => table(["In exactly", "People"],
      content.rows.map((row) => [row.label, row.text]), "Overlap", [false, true]),
  });
  el.querySelector(".dmp-card-head").after(picker);
  const again = () => choices(model.get("content"));
  model.on("change:content", again);
  again();
  return () => {
    stop();
    model.off("change:content", again);
  };
}

export default { render };
