const HEIGHT = 190;
const EDGE = { left: 52, right: 10, top: 26, bottom: 26 };

function niceTop(value) {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1)));
  return [1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10]
    .map((n) => n * power)
    .find((n) => n >= value);
}

function short(value) {
  if (value >= 1e6) return `${+(value / 1e6).toFixed(1)}M`;
  if (value >= 1e3) return `${(value / 1e3).toLocaleString(undefined,
    { maximumFractionDigits: 1 })}k`;
  return String(Math.round(value));
}

function scales(points, width) {
  const times = points.map((p) => Date.parse(p.at));
  const [from, to] = [times[0], times[times.length - 1]];
  const top = niceTop(Math.max(...points.map((p) => p.people), 1));
  const across = width - EDGE.left - EDGE.right;
  const down = HEIGHT - EDGE.top - EDGE.bottom;
  return {
    top,
    x: (index) => EDGE.left + (across * (times[index] - from)) / Math.max(to - from, 1),
    y: (people) => EDGE.top + down * (1 - people / top),
  };
}

function axes({ top, y }, points, width) {
  const lines = [0, top / 2, top].flatMap((value) => [
    shape("path", {
      d: `M${EDGE.left} ${y(value)}H${width - EDGE.right}`,
      stroke: "var(--dmp-line)",
    }),
    shape(
      "text",
      { x: EDGE.left - 10, y: y(value) + 4, class: "soft", "text-anchor": "end" },
      short(value),
    ),
  ]);
  const last = points[points.length - 1];
  return [
    ...lines,
    shape("text", { x: EDGE.left, y: HEIGHT - 4, class: "soft" }, dayOf(points[0].at)),
    shape(
      "text",
      { x: width - EDGE.right, y: HEIGHT - 4, class: "soft", "text-anchor": "end" },
      dayOf(last.at),
    ),
  ];
}

function readout(svg, points, { x, y }, width) {
  let at = points.length - 1;
  const dot = shape("circle", {
    r: 4.5,
    fill: "var(--dmp-accent)",
    stroke: "var(--dmp-surface)",
    "stroke-width": 2,
  });
  const text = shape("text", {
    y: 13,
    x: width - EDGE.right,
    "text-anchor": "end",
    class: "strong",
    "aria-live": "polite",
  });
  const show = (index) => {
    at = Math.max(0, Math.min(index, points.length - 1));
    dot.setAttribute("cx", x(at));
    dot.setAttribute("cy", y(points[at].people));
    text.textContent = `${dayOf(points[at].at)}:  ${points[at].text}`;
  };
  svg.append(dot, text);
  svg.setAttribute("tabindex", "0");
  svg.addEventListener("pointermove", (event) => {
    const px = event.clientX - svg.getBoundingClientRect().left;
    show(
      points.reduce(
        (best, _, i) => (Math.abs(x(i) - px) < Math.abs(x(best) - px) ? i : best),
        0,
      ),
    );
  });
  svg.addEventListener("pointerleave", () => show(points.length - 1));
  svg.addEventListener("keydown", (event) => {
    const moves = {
      ArrowLeft: at - 1,
      ArrowRight: at + 1,
      Home: 0,
      End: points.length - 1,
    };
    if (!(event.key in moves)) return;
    event.preventDefault();
    show(moves[event.key]);
  });
  show(at);
}

function chart(content, width) {
  const points = content.points;
  const scale = scales(points, width);
  const line = points
    .map(
      (p, i) =>
        `${i ? "L" : "M"}${scale.x(i).toFixed(1)} ${scale.y(p.people).toFixed(1)}`,
    )
    .join("");
  const base = scale.y(0);
  const [first, last] = [points[0], points[points.length - 1]];
  const svg = picture(
    width,
    HEIGHT,
    `Size over time: ${first.text} on ${dayOf(first.at)}, ${last.text} on ${dayOf(last.at)}`,
    ...axes(scale, points, width),
    shape("path", {
      d: `${line}L${scale.x(points.length - 1)} ${base}L${scale.x(0)} ${base}Z`,
      fill: "var(--dmp-accent-soft)",
      opacity: 0.75,
    }),
    shape("path", {
      d: line,
      fill: "none",
      stroke: "var(--dmp-accent)",
      "stroke-width": 2,
      "stroke-linejoin": "round",
    }),
  );
  readout(svg, points, scale, width);
  return svg;
}

function rows(content) {
  const lines = [...content.points].reverse().map((p) => [dayOf(p.at), p.text]);
  return table(["Day", "People"], lines, "Size over time as a table", [false, true]);
}

export default { render: ({ model, el }) => card(model, el, { chart, rows }) };
