function share(bits, widest) {
  return `${((bits + widest) / (2 * widest)) * 100}%`;
}

function track(row, widest) {
  const bar = node("i", { class: row.now < 0 ? "dmp-against" : "dmp-for" });
  bar.style.left = share(Math.min(row.now, 0), widest);
  bar.style.width = `${(Math.abs(row.now) / (2 * widest)) * 100}%`;
  const was = node("b");
  was.style.left = share(row.was, widest);
  return node("div", { class: "dmp-track", "aria-hidden": "true" }, bar, was);
}

function line(row, widest, send) {
  const label = `${row.group}: ${row.level}`;
  const value = node("output", {}, row.text);
  const slider = node("input", {
    type: "range",
    min: -widest,
    max: widest,
    step: 0.1,
    value: row.now,
    "aria-label": `${label}, bits`,
    "aria-valuetext": `${row.text} bits`,
    "data-place": `${row.comparison}/${row.level}`,
    oninput: () => {
      slider.value = Math.min(Math.max(slider.value, row.least), row.most);
      const bits = Number(slider.value);
      value.textContent = `${bits < 0 ? "\u2212" : "+"}${Math.abs(bits).toFixed(1)}`;
    },
    onchange: () =>
      send({
        kind: "move",
        comparison: row.comparison,
        level: row.level,
        weight: Number(slider.value),
      }),
  });
  return node(
    "li",
    { class: row.before ? "dmp-moved" : "" },
    node("span", { class: "dmp-level" }, row.level),
    track(row, widest),
    slider,
    value,
    node("small", {}, row.before ? `was ${row.before}` : ""),
  );
}

function groups(content, send) {
  const found = new Map();
  for (const row of content.rows)
    found.set(row.group, [...(found.get(row.group) || []), row]);
  return [...found].map(([name, rows]) =>
    node(
      "section",
      {},
      node("h3", {}, name),
      node(
        "ul",
        {},
        rows.map((row) => line(row, content.widest, send)),
      ),
    ),
  );
}

function render({ model, el }) {
  const send = (message) => {
    const place = document.activeElement?.dataset?.place;
    model.send(message);
    const focus = () => {
      if (place) el.querySelector(`[data-place="${CSS.escape(place)}"]`)?.focus();
      model.off("change:content", focus);
    };
    model.on("change:content", focus);
  };
  const chart = (content) =>
    node(
      "div",
      { class: "dmp-weights", "data-lm-suppress-shortcuts": "true" },
      groups(content, send),
      node(
        "div",
        { class: "dmp-weights-foot" },
        node("span", {}, `${content.model}, ${content.moved} moved`),
        node(
          "button",
          {
            class: "dmp-button",
            type: "button",
            disabled: !content.moved,
            onclick: () => send({ kind: "reset" }),
          },
          "Put all back",
        ),
      ),
    );
  const rows = (content) =>
    table(
      ["Comparison", "Level", "Bits", "Was"],
      content.rows.map((row) => [row.group, row.level, row.text, row.before]),
      "Match weights as a table",
      [false, false, true, true],
    );
  return card(model, el, { chart, rows });
}

export default { render };
