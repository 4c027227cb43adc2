// What a segment says of itself, and the buttons that keep it.
function input(model, key, label, value, more = {}) {
  const { tag = "input", ...attributes } = more;
  const field = node(tag, { "aria-label": label, "data-about": key, ...attributes,
    onchange: () => model.send({ kind: "describe", key, value: field.value }) });
  return drawnAs(field, value);
}

function labelled(label, field, fault) {
  return node("label", { class: "dmp-labelled" }, node("span", {}, label), field,
    fault ? node("small", { class: "dmp-fault" }, fault) : null);
}

function purposes(model, content) {
  const field = node("select", { "data-about": "purpose", "aria-label": "Purpose",
    onchange: () =>
      model.send({ kind: "describe", key: "purpose", value: field.value }) },
    [["", "none: it never leaves"], ...content.purposes].map(([value, label]) =>
      node("option", { value }, label)));
  return drawnAs(field, content.purpose);
}

function render({ model, el }) {
  el.classList.add("dmp");
  const place = node("section", { class: "dmp-about", "aria-label": "Segment" });
  el.append(place);
  const act = (kind) => () => model.send({ kind });
  // The field that the address names gets the focus once it is there to be seen.
  let asked = location.hash.slice(1);
  function arrive() {
    const field = place.querySelector(`[data-about="${CSS.escape(asked)}"]`);
    field?.focus();
    if (document.activeElement === field || (place.querySelector("details") && !field))
      asked = "";
    else requestAnimationFrame(arrive);
  }
  if (asked) requestAnimationFrame(arrive);
  return follow(model, (content) => {
    if (content.state === "loading") return place.replaceChildren(skeleton([60]));
    const now = place.contains(document.activeElement) ? document.activeElement : null;
    const focused = now?.dataset.about, kept = now && given(now);
    const open = place.querySelector("details")?.open ?? Boolean(asked);
    const faults = content.faults || {};
    const title = input(model, "name", "Name of the segment", content.name,
      { class: "dmp-title", placeholder: "Name this segment…" });
    const more = node("details", { class: "dmp-more", open },
      node("summary", {}, "Description, owner, tags, folder, id"),
      node("div", { class: "dmp-grid" },
        labelled("Description", input(model, "description", "Description",
          content.description)),
        labelled("Owner", input(model, "owner", "Owner", content.owner,
          { placeholder: "nobody yet: a person or a team" })),
        labelled("Tags", input(model, "tags", "Tags", content.tags)),
        labelled("Folder", input(model, "folder", "Folder", content.folder,
          { placeholder: "for example growth/winback" })),
        labelled("Time zone", input(model, "timezone", "Time zone", content.timezone,
          { placeholder: "UTC" }), faults.timezone),
        labelled("Id", input(model, "segment", "Id", content.id,
          { disabled: content.existing }), faults.segment)));
    const save = node("button", { class: "dmp-button dmp-primary", type: "button",
      "data-about": "save", disabled: !content.savable, onclick: act("save") },
      "Save");
    const build = content.saved ? node("button", { class: "dmp-button", type: "button",
      "data-about": "build", onclick: act("build") }, "Evaluate now") : null;
    place.replaceChildren(
      node("div", { class: "dmp-about-head" }, title,
        labelled("Purpose", purposes(model, content)), build, save),
      node("p", { class: "dmp-as-of", role: "status" }, content.status || "",
        content.link ? node("a", { href: content.link }, content.link_text) : null),
      more);
    const again = focused && place.querySelector(`[data-about="${focused}"]`);
    again?.focus();
    if (again) giveBack(again, kept);
    return undefined;
  });
}

export default { render };
