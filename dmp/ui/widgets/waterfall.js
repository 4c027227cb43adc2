const ROW = 34;
const BAR = 14;

function scale(content, left, room) {
  const span = Math.max(content.high - content.low, 1);
  return (bits) => left + ((bits - content.low) / span) * room;
}

function bar(step, y, at, goesOn) {
  const [from, to] = [at(step.from), at(step.to)];
  const parts = [
    shape("rect", {
      x: Math.min(from, to),
      y: y + 3,
      width: Math.max(Math.abs(to - from), 1.5),
      height: BAR,
      rx: 3,
      fill: step.to >= step.from ? "var(--dmp-accent)" : "var(--dmp-loss)",
    }),
  ];
  if (goesOn)
    parts.push(
      shape("line", {
        x1: to,
        x2: to,
        y1: y + 3 + BAR,
        y2: y + ROW + 3,
        stroke: "var(--dmp-line-strong)",
      }),
    );
  return parts;
}

function row(step, index, width, left, at, last) {
  const y = index * ROW;
  return [
    shape(
      "text",
      { x: 0, y: y + 9 },
      clipped(step.label, left - 14),
      shape("title", {}, step.label),
    ),
    shape(
      "text",
      { x: 0, y: y + 24, class: "soft" },
      clipped(step.level, left - 14, "400 12.5px"),
      shape("title", {}, step.level),
    ),
    ...bar(step, y, at, index < last),
    shape(
      "text",
      { x: width, y: y + 14, class: "strong", "text-anchor": "end" },
      step.text,
    ),
  ];
}

function chart(content, width) {
  const left = Math.min(Math.max(width * 0.42, 120), 260);
  const at = scale(content, left, width - left - 62);
  const end = content.steps.length * ROW;
  const parts = [
    shape("line", {
      x1: at(0),
      x2: at(0),
      y1: 0,
      y2: end - 6,
      stroke: "var(--dmp-control)",
      "stroke-dasharray": "3 3",
    }),
    ...content.steps.flatMap((step, i) =>
      row(step, i, width, left, at, content.steps.length - 1),
    ),
    shape("text", { x: 0, y: end + 14, class: "strong" }, "Total"),
    shape(
      "text",
      { x: width, y: end + 14, class: "strong", "text-anchor": "end" },
      content.text,
    ),
  ];
  const title = content.steps.map((s) => `${s.label}, ${s.level}: ${s.text}`).join("; ");
  return picture(width, end + 24, `${title}. Total ${content.text}`, ...parts);
}

function rows(content) {
  const lines = content.steps.map((s) => [s.label, s.level, s.text]);
  lines.push(["Total", "", content.text]);
  return table(["Step", "Level", "Bits"], lines, "The score as a table", [
    false,
    false,
    true,
  ]);
}

export default { render: ({ model, el }) => card(model, el, { chart, rows }) };
