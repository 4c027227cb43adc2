function track(x, y, width, height, length, fillWith) {
  return shape("rect", {
    x,
    y,
    width: Math.max(length * width, 1.5),
    height,
    rx: height / 2.6,
    fill: fillWith,
  });
}

function single(row, y, width) {
  const lines = wrapped(row.label, width - textWidth(row.text, "600 13.5px") - 24);
  const below = y + 13 + (lines.length - 1) * 19;
  return {
    height: below - y + 33,
    parts: [
      ...lines.map((line, i) =>
        shape(
          "text",
          { x: 0, y: y + 13 + i * 19 },
          line,
          shape("title", {}, row.label),
        ),
      ),
      shape(
        "text",
        { x: width, y: below, class: "strong", "text-anchor": "end" },
        row.text,
      ),
      shape("rect", {
        x: 0,
        y: below + 9,
        width,
        height: 8,
        rx: 3,
        fill: "var(--dmp-sunken)",
      }),
      track(0, below + 9, width, 8, row.bar, "var(--dmp-accent)"),
    ],
  };
}

function ratio(row, y, width) {
  const text = shape(
    "text",
    { x: width, y: y + 17, class: row.over ? "strong" : "soft", "text-anchor": "end" },
    row.ratio,
  );
  if (row.over) text.style.fill = "var(--dmp-accent-strong)";
  return text;
}

function pair(row, y, width) {
  const left = Math.min(Math.max(width * 0.3, 84), 150);
  const room = width - left - 108;
  return {
    height: 40,
    parts: [
      shape(
        "text",
        { x: 0, y: y + 17 },
        clipped(row.label, left - 12),
        shape("title", {}, row.label),
      ),
      track(left, y + 1, room, 13, row.bar, "var(--dmp-accent)"),
      track(left, y + 17, room, 6, row.reference, "var(--dmp-reference)"),
      shape(
        "text",
        { x: width - 46, y: y + 17, class: "strong", "text-anchor": "end" },
        row.text,
      ),
      ratio(row, y, width),
    ],
  };
}

function legend(width) {
  return [
    shape("rect", {
      x: 0,
      y: 3,
      width: 12,
      height: 8,
      rx: 2,
      fill: "var(--dmp-accent)",
    }),
    shape("text", { x: 18, y: 11, class: "soft" }, "this segment"),
    shape("rect", {
      x: 112,
      y: 5,
      width: 12,
      height: 4,
      rx: 2,
      fill: "var(--dmp-reference)",
    }),
    shape("text", { x: 130, y: 11, class: "soft" }, "everyone"),
    width > 330
      ? shape("text", { x: width, y: 11, class: "soft", "text-anchor": "end" }, "ratio")
      : null,
  ];
}

function chart(content, width) {
  const compared = content.compared;
  const parts = compared ? legend(width) : [];
  let y = compared ? 28 : 0;
  for (const row of content.rows) {
    const drawn = (compared ? pair : single)(row, y, width);
    parts.push(...drawn.parts);
    y += drawn.height;
  }
  const title = content.rows
    .map(
      (row) => `${row.label} ${row.text}${compared ? `, everyone ${row.against}` : ""}`,
    )
    .join("; ");
  return picture(width, y - 8, title, ...parts);
}

function rows(content) {
  const lines = content.rows.map((row) => row.cells);
  const numeric = content.columns.map((_, index) => index > 0);
  return table(content.columns, lines, `${content.columns[0]} as a table`, numeric);
}

export default { render: ({ model, el }) => card(model, el, { chart, rows }) };
