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
        "data-archived": entry.archived,
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

// The entries under their folders, those without one first.
function shelves(items, selected, choose) {
  const folders = [...new Set(items.map((entry) => entry.folder))].sort();
  return folders.map((folder) => {
    const inside = items.filter((entry) => entry.folder === folder)
      .map((entry) => item(entry, selected, choose));
    return folder
      ? node("li", { class: "dmp-shelf" }, node("h3", {}, folder), node("ul", {}, inside))
      : inside;
  }).flat();
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
  let typed = "", archive = false;
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
  const box = node("input", { type: "checkbox", onchange: () => {
    archive = box.checked;
    draw(model.get("content"));
  } });
  const archived = node("span");
  const shelf = node("label", { class: "dmp-archive" }, box, archived);
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
      shelf,
      foot,
    ),
  );
  const choose = (segment) => model.send({ kind: "choose", segment });
  function draw(content) {
    const focused = document.activeElement?.dataset?.segment;
    const all = content.items || [], put = all.filter((entry) => entry.archived);
    const items = all.filter((entry) =>
      (archive || !entry.archived || entry.segment === content.selected) &&
      `${entry.name} ${entry.segment} ${entry.purpose} ${entry.search}`.toLowerCase()
        .includes(typed));
    filter.hidden = all.length < 4;
    shelf.hidden = !put.length;
    archived.textContent = `Show ${put.length} archived`;
    count.textContent = content.items ? String(all.length - put.length) : "";
    list.replaceChildren(...shelves(items, content.selected, choose));
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
