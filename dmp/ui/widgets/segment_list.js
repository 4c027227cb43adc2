function item(entry, selected, choose) {
  return node(
    "li",
    {},
    node(
      "button",
      {
        class: "dmp-pick",
        type: "button",
        "data-segment": entry.segment,
        "aria-current": entry.segment === selected ? "true" : null,
        onclick: () => choose(entry.segment),
      },
      node("b", {}, entry.name),
      node(
        "small",
        {},
        node("span", {}, entry.purpose),
        node("span", {}, entry.people),
      ),
    ),
  );
}

function viewer(who) {
  return node(
    "div",
    { class: "dmp-viewer" },
    node("b", {}, who.name),
    who.roles ? ` · ${who.roles}` : "",
    node("p", {}, who.counts),
  );
}

function walk(event) {
  const move = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
  if (!move || !event.target.classList.contains("dmp-pick")) return;
  const all = [...event.currentTarget.querySelectorAll(".dmp-pick")];
  all[all.indexOf(event.target) + move]?.focus();
  event.preventDefault();
}

function render({ model, el }) {
  let typed = "";
  const list = node("ul", { onkeydown: walk });
  const count = node("span");
  const filter = node("input", {
    class: "dmp-filter",
    type: "search",
    placeholder: "Filter segments",
    "aria-label": "Filter segments",
    oninput: () => {
      typed = filter.value.toLowerCase();
      draw(model.get("content"));
    },
  });
  const foot = node("div");
  const note = node("div");
  el.classList.add("dmp");
  el.append(
    node(
      "nav",
      { class: "dmp-rail", "aria-label": "Segments" },
      node("h2", {}, "Segments", count),
      filter,
      note,
      list,
      foot,
    ),
  );
  const choose = (segment) => model.send({ kind: "choose", segment });
  function draw(content) {
    const focused = document.activeElement?.dataset?.segment;
    const items = (content.items || []).filter((entry) =>
      `${entry.name} ${entry.segment} ${entry.purpose}`.toLowerCase().includes(typed),
    );
    filter.hidden = (content.items || []).length < 4;
    count.textContent = content.items ? String(content.items.length) : "";
    list.replaceChildren(
      ...items.map((entry) => item(entry, content.selected, choose)),
    );
    note.replaceChildren(...notes(content, items));
    foot.replaceChildren(content.viewer ? viewer(content.viewer) : "");
    if (focused) list.querySelector(`[data-segment="${CSS.escape(focused)}"]`)?.focus();
  }
  return follow(model, draw);
}

function notes(content, items) {
  if (content.state === "loading") return [skeleton([100, 90, 96, 85])];
  return items.length || !content.items.length
    ? []
    : [message({ state: "empty", message: "No segment has these letters." })];
}

export default { render };
