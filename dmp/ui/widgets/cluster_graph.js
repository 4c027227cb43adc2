const HEIGHT = 320;
const MARGIN = 34;
// Beyond so many, names under the dots cover each other: only the pair's are drawn.
const MOST_NAMED = 12;

// A small force layout, the same for the same graph: nodes push each other away, links
// pull, profiles keep to their side. Source: Fruchterman and Reingold 1991.
function layout(content, width) {
  const { nodes, links } = content;
  const two = content.profiles.length > 1;
  const golden = Math.PI * (3 - Math.sqrt(5));
  const spots = nodes.map((n, i) => ({
    x: Math.cos(i * golden) * Math.sqrt(i + 1) + (two ? (n.group ? 3 : -3) : 0),
    y: Math.sin(i * golden) * Math.sqrt(i + 1),
  }));
  const near = 1.6;
  for (let round = 0; round < 240; round += 1) {
    const push = spots.map(() => ({ x: 0, y: 0 }));
    for (let i = 0; i < spots.length; i += 1)
      for (let j = i + 1; j < spots.length; j += 1) {
        const [dx, dy] = [spots[i].x - spots[j].x, spots[i].y - spots[j].y];
        const far = Math.max(Math.hypot(dx, dy), 0.05);
        const force = (near * near) / far / far;
        push[i].x += dx * force;
        push[i].y += dy * force;
        push[j].x -= dx * force;
        push[j].y -= dy * force;
      }
    for (const link of links) {
      const [a, b] = [spots[link.from], spots[link.to]];
      const [dx, dy] = [a.x - b.x, a.y - b.y];
      const force = (Math.hypot(dx, dy) / near) * (link.for ? 0.5 : 0.08);
      push[link.from].x -= dx * force;
      push[link.from].y -= dy * force;
      push[link.to].x += dx * force;
      push[link.to].y += dy * force;
    }
    const heat = 0.35 * (1 - round / 240);
    spots.forEach((spot, i) => {
      const home = two ? (nodes[i].group ? 2.6 : -2.6) : 0;
      push[i].x += (home - spot.x) * 0.25;
      push[i].y -= spot.y * 0.25;
      const size = Math.max(Math.hypot(push[i].x, push[i].y), 1e-9);
      spot.x += (push[i].x / size) * Math.min(size, heat);
      spot.y += (push[i].y / size) * Math.min(size, heat);
    });
  }
  return fitted(spots, width);
}

function fitted(spots, width) {
  const range = (name) => {
    const values = spots.map((spot) => spot[name]);
    return [Math.min(...values), Math.max(...values)];
  };
  const place = ([low, high], room, value) =>
    high - low < 1e-6
      ? MARGIN + room / 2
      : MARGIN + ((value - low) / (high - low)) * room;
  const [xs, ys] = [range("x"), range("y")];
  return spots.map((spot) => ({
    x: place(xs, width - 2 * MARGIN, spot.x),
    y: place(ys, HEIGHT - 2 * MARGIN - 8, spot.y),
  }));
}

function edge(link, spots) {
  const [a, b] = [spots[link.from], spots[link.to]];
  return shape(
    "line",
    {
      x1: a.x,
      y1: a.y,
      x2: b.x,
      y2: b.y,
      stroke: link.for ? "var(--dmp-accent)" : "var(--dmp-loss)",
      "stroke-opacity": link.for ? 0.55 : 0.85,
      "stroke-width": 1 + Math.min(Math.abs(link.bits), 24) / 7,
      "stroke-dasharray": link.for ? null : "5 4",
    },
    shape("title", {}, `${link.text}, ${link.bits.toFixed(1)} bits`),
  );
}

function dot(each, spot, choose) {
  const pick = () => choose(each.id);
  const press = (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    event.stopPropagation();
    pick();
  };
  return shape(
    "g",
    {
      class: "dmp-node",
      role: "checkbox",
      tabindex: "0",
      "aria-checked": String(each.chosen),
      "aria-label": `${each.label} ${each.id}${each.in_pair ? ", of this pair" : ""}`,
      "data-subject": each.id,
      onclick: pick,
      onkeydown: press,
    },
    shape("circle", {
      cx: spot.x,
      cy: spot.y,
      r: each.in_pair ? 11 : 8,
      fill: each.group ? "var(--dmp-warn)" : "var(--dmp-accent-strong)",
      stroke: each.chosen ? "var(--dmp-focus)" : "var(--dmp-surface)",
      "stroke-width": each.chosen ? 5 : 2.5,
    }),
    each.in_pair
      ? shape("circle", {
          cx: spot.x,
          cy: spot.y,
          r: 15,
          fill: "none",
          stroke: "var(--dmp-ink)",
          "stroke-width": 1.5,
        })
      : null,
    shape("title", {}, `${each.label} ${each.id}`),
  );
}

function label(each, spot) {
  return shape(
    "text",
    {
      x: spot.x,
      y: spot.y + 29,
      class: "soft dmp-node-label",
      "text-anchor": "middle",
      "aria-hidden": "true",
    },
    each.label.split(" ")[0],
  );
}

function legend(content) {
  const swatch = (kind, text) =>
    node("li", {}, node("i", { class: kind, "aria-hidden": "true" }), text);
  return node(
    "ul",
    { class: "dmp-legend" },
    content.profiles.map((profile, i) => swatch(`dmp-group-${i}`, profile)),
    swatch("dmp-line-for", "for one person"),
    swatch("dmp-line-against", "against"),
    content.left_out ? node("li", {}, `${content.left_out} more not drawn`) : null,
  );
}

function render({ model, el }) {
  const choose = (subject) => {
    model.send({ kind: "choose", subject });
    const focus = () => {
      el.querySelector(`[data-subject="${subject}"]`)?.focus();
      model.off("change:content", focus);
    };
    model.on("change:content", focus);
  };
  const chart = (content, width) => {
    const spots = layout(content, width);
    const title = `${content.nodes.length} records joined by ${content.links.length} reasons`;
    return node(
      "div",
      { class: "dmp-graph" },
      shape(
        "svg",
        {
          width,
          height: HEIGHT,
          viewBox: `0 0 ${width} ${HEIGHT}`,
          role: "group",
          "aria-label": title,
        },
        shape("title", {}, title),
        ...content.links.map((link) => edge(link, spots)),
        ...content.nodes.map((each, i) => dot(each, spots[i], choose)),
        ...content.nodes.flatMap((each, i) =>
          each.in_pair || content.nodes.length <= MOST_NAMED ? [label(each, spots[i])] : [],
        ),
      ),
      legend(content),
    );
  };
  const rows = (content) =>
    table(content.columns, content.rows, "The reasons as a table", [
      false,
      false,
      false,
      true,
    ]);
  return card(model, el, { chart, rows });
}

export default { render };
