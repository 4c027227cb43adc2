const BAR = 22;

function lossText(step) {
  const reasons = step.losses.map(([reason, people]) => `${reason} ${people}`);
  return reasons.join("  ·  ");
}

function lossLine(step, y, width) {
  const lost = `− ${step.lost}`;
  const left = 20 + textWidth(lost, "600 12.5px") + 12;
  const reasons = clipped(lossText(step), width - left, "400 12.5px");
  const amount = shape("text", { x: 20, y: y + 17, class: "strong" }, lost);
  amount.style.fill = "var(--dmp-loss)";
  amount.style.fontSize = "12.5px";
  return [
    shape("path", {
      d: `M6 ${y + 2}v7q0 4 4 4h4`,
      fill: "none",
      stroke: "var(--dmp-line-strong)",
      "stroke-width": 1.5,
    }),
    amount,
    shape(
      "text",
      { x: left, y: y + 17, class: "soft" },
      reasons,
      shape("title", {}, lossText(step)),
    ),
  ];
}

function bar(step, before, y, width) {
  if (step.bar === null) {
    return [
      shape("rect", {
        x: 0.5,
        y: y + 0.5,
        width: width - 1,
        height: BAR - 1,
        rx: 5,
        fill: "none",
        stroke: "var(--dmp-line-strong)",
        "stroke-dasharray": "3 4",
      }),
    ];
  }
  const length = Math.max(step.bar * width, 2);
  const gone = Math.max(before * width - length, 0);
  return [
    shape("rect", { x: 0, y, width, height: BAR, rx: 5, fill: "var(--dmp-sunken)" }),
    gone > 1
      ? shape("rect", {
          x: 0,
          y,
          width: length + gone,
          height: BAR,
          rx: 5,
          fill: "var(--dmp-loss-soft)",
        })
      : null,
    shape("rect", {
      x: 0,
      y,
      width: length,
      height: BAR,
      rx: 5,
      fill: "var(--dmp-accent)",
    }),
  ];
}

function later(step, y, width) {
  return [
    shape("text", { x: 0, y: y + 15, class: "soft" }, step.label),
    shape(
      "text",
      { x: width, y: y + 15, class: "soft", "text-anchor": "end" },
      "nothing sent yet",
    ),
    shape("path", {
      d: `M0 ${y + 26}H${width}`,
      stroke: "var(--dmp-line-strong)",
      "stroke-dasharray": "2 5",
    }),
  ];
}

function drawStep(step, before, y, width) {
  return [
    shape("text", { x: 0, y: y + 15, class: "strong" }, step.label),
    shape(
      "text",
      { x: width - 64, y: y + 15, class: "strong", "text-anchor": "end" },
      step.people,
    ),
    shape(
      "text",
      { x: width, y: y + 15, class: "soft", "text-anchor": "end" },
      step.share,
    ),
    ...bar(step, before, y + 24, width),
  ];
}

function chart(content, width) {
  const parts = [];
  let y = 0;
  let before = 0;
  for (const step of content.steps) {
    if (step.people === null) {
      parts.push(...later(step, y + 4, width));
      y += 40;
      continue;
    }
    if (step.losses.length) {
      parts.push(...lossLine(step, y - 6, width));
      y += 24;
    }
    parts.push(...drawStep(step, before, y, width));
    before = step.bar ?? 0;
    y += 24 + BAR + 14;
  }
  const known = content.steps.filter((step) => step.people !== null);
  const title = known.map((step) => `${step.label} ${step.people}`).join(", ");
  return picture(width, y, `Funnel: ${title}`, ...parts);
}

function rows(content) {
  const lines = content.steps.map((step) =>
    step.people === null
      ? [step.label, "–", "–", "nothing sent yet"]
      : [step.label, step.people, step.share, lossText(step) || "–"],
  );
  return table(
    ["Step", "People", "Of members", "Lost on the way"],
    lines,
    "Funnel as a table",
    [false, true, true],
  );
}

export default { render: ({ model, el }) => card(model, el, { chart, rows }) };
