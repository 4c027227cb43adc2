// A rule as nested cards. Python says which fields there are; this draws them, and
// sends what was done with the place it was done at.
const ICONS = {
  up: "M8 12.5v-9M4 7l4-4 4 4",
  down: "M8 3.5v9M4 9l4 4 4-4",
  copy: "M6 6h7v7H6zM10 6V3H3v7h3",
  group: "M3 6V3h3M10 3h3v3M13 10v3h-3M6 13H3v-3M6.5 8h3M8 6.5v3",
  remove: "M4 4l8 8M12 4l-8 8",
  grip: "M6 4h.01M10 4h.01M6 8h.01M10 8h.01M6 12h.01M10 12h.01",
  undo: "M6.5 3.5 3 7l3.5 3.5M3 7h6a4 4 0 0 1 0 8H7",
  redo: "M9.5 3.5 13 7 9.5 10.5M13 7H7a4 4 0 0 0 0 8h2",
  plus: "M8 3.5v9M3.5 8h9",
};

function icon(name) {
  return shape(
    "svg",
    { viewBox: "0 0 16 16", width: 16, height: 16, "aria-hidden": "true" },
    shape("path", { d: ICONS[name] }),
  );
}

function iconButton(name, label, act, more = {}) {
  return node(
    "button",
    { class: "dmp-icon", type: "button", "aria-label": label, title: label, ...more,
      onclick: act },
    icon(name),
  );
}

const keyOf = (at, what) => `${JSON.stringify(at)}:${what}`;

function render({ model, el }) {
  el.classList.add("dmp", "dmp-rule");
  const waiting = new Map();
  let dragged = null, quiet = false;
  const send = (message) => model.send(message);
  const edit = (field, value) =>
    send({ kind: "edit", do: field.do || "set", at: field.at, node: field.node || null,
           as: field.kind || null, value });

  // ---- one field -----------------------------------------------------------
  function control(field) {
    if (field.text !== undefined) return node("span", { class: "dmp-word" }, field.text);
    const drawn = (CONTROLS[field.control] || CONTROLS.text)(field);
    if (field.fault) {
      const id = `fault-${keyOf(field.at, "")}`.replace(/[^\w-]/g, "_");
      const target = drawn.matches("input,select,textarea") ? drawn
        : drawn.querySelector("input,select,textarea");
      target?.setAttribute("aria-invalid", "true");
      target?.setAttribute("aria-describedby", id);
      return node("span", { class: "dmp-faulty" }, drawn,
                  node("small", { id, class: "dmp-fault" }, field.fault));
    }
    return drawn;
  }
  const base = (field, more) => ({
    "data-key": keyOf(field.at, field.control), "aria-label": field.label || "Value",
    ...more,
  });
  function choice(field) {
    const select = node("select",
      base(field, { onchange: () => edit(field, select.value) }),
      field.options.map(([value, label]) => node("option", { value }, label)));
    drawnAs(select, field.value);
    const before = field.before
      ? node("span", { class: "dmp-word" }, field.before) : null;
    return before ? node("label", { class: "dmp-pair" }, before, select) : select;
  }
  function plain(field, type, more = {}) {
    const input = node("input", base(field, { type, ...more,
      onchange: () => edit(field, input.value),
      onkeydown: (event) => event.key === "Enter" && input.blur() }));
    drawnAs(input, field.value);
    const before = field.before
      ? node("span", { class: "dmp-word" }, field.before) : null;
    return before ? node("label", { class: "dmp-pair" }, before, input) : input;
  }
  function time(field) {
    const day = /^\d{4}-\d\d-\d\d$/.test(field.value || "");
    return plain(field, day || !field.value ? "date" : "text");
  }
  function flag(field) {
    const box = node("input", base(field, { type: "checkbox",
      onchange: () => edit(field, box.checked ? true : null) }));
    box.checked = Boolean(field.value);
    return node("label", { class: "dmp-flag" }, box, field.label);
  }
  function truth(field) {
    const options = [["true", "true"], ["false", "false"]];
    const value = field.value === null ? "" : String(field.value);
    return choice({ ...field, value, options: [["", "choose…"], ...options] });
  }
  function tristate(field) {
    const value = field.value === null ? "" : String(field.value);
    return choice({ ...field, value });
  }
  function area(field) {
    const text = node("textarea", base(field, { rows: 3, spellcheck: "false",
      onchange: () => edit(field, text.value) }));
    text.value = field.value ?? "";
    return text;
  }

  // ---- a field with suggestions ---------------------------------------------
  function combo(field, { known, pick, clear = false, blank = false, shown = field.value }) {
    let items = known || [], active = -1, open = false, current = [];
    const id = `list-${keyOf(field.at, field.control)}`.replace(/[^\w-]/g, "_");
    const list = node("ul", { role: "listbox", id, hidden: true,
                              "aria-label": `${field.label || "Value"}: suggestions` });
    const input = node("input", base(field, {
      type: "text", role: "combobox", autocomplete: "off", "aria-expanded": "false",
      "aria-autocomplete": "list", "aria-controls": id,
      placeholder: field.placeholder || "choose or type…",
      onfocus: () => quiet || show(), onclick: show, oninput: () => { active = -1; draw(); },
      onblur: () => { hide(); take(input.value); },
      onkeydown: keys,
    }));
    drawnAs(input, shown);
    let held = input.value;
    function take(text) {
      if (text === held) return;
      held = text;
      if (text || clear) pick(text);
    }
    function choose(item) {
      held = item.text;
      input.value = blank ? "" : item.text;
      hide();
      pick(item.value);
    }
    function show() {
      open = true;
      if (!known && field.suggest) {
        waiting.set(keyOf(field.at, "s"), (found) => { items = found; draw(); });
        send({ kind: "suggest", at: field.at });
      }
      draw();
    }
    function hide() {
      open = false;
      active = -1;
      draw();
    }
    function draw() {
      const typed = input.value === held ? "" : input.value.toLowerCase();
      current = items.filter((i) => i.text.toLowerCase().includes(typed)).slice(0, 60);
      const visible = open && current.length > 0;
      list.hidden = !visible;
      input.dataset.open = open;
      input.setAttribute("aria-expanded", String(visible));
      list.replaceChildren(...(visible ? current.map(option) : []));
      const marked = visible && active >= 0 ? `${id}-${active}` : null;
      if (marked) {
        input.setAttribute("aria-activedescendant", marked);
        list.children[active]?.scrollIntoView({ block: "nearest" });
      } else input.removeAttribute("aria-activedescendant");
    }
    function option(item, index) {
      return node("li", { role: "option", id: `${id}-${index}`,
        "aria-selected": String(index === active),
        onmousedown: (event) => { event.preventDefault(); choose(item); } },
        node("span", {}, item.text), item.count ? node("small", {}, item.count) : null);
    }
    function keys(event) {
      const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (by && !event.altKey) {
        if (!open) show();
        active = Math.max(-1, Math.min(current.length - 1, active + by));
        draw();
        event.preventDefault();
      } else if (event.key === "Enter") {
        event.preventDefault();
        if (active >= 0) choose(current[active]);
        else { hide(); take(input.value); }
      } else if (event.key === "Escape") hide();
    }
    return node("span", { class: "dmp-combo" }, input, list);
  }
  const entry = ([value, text, count]) => ({ value, text: String(text ?? value), count });
  function name(field) {
    const known = field.options.map(entry);
    const shown = Array.isArray(field.value) ? field.value.join(".") : field.value;
    return combo(field, { known, shown, pick: (value) => edit(field, value) });
  }
  function event(field) {
    const known = field.options.map(([value, text, count]) =>
      ({ value: value || null, text, count }));
    const shown = field.value === null ? "any event"
      : (field.options.find(([value]) => value && value === field.value) || [])[1]
        || field.value;
    const pick = (value) => edit(field, value);
    return combo({ ...field, placeholder: "choose an event…" }, { known, shown, pick });
  }
  function value(field) {
    return combo(field, { pick: (found) => edit(field, found), clear: true });
  }
  function tags(field) {
    const values = Array.isArray(field.value) ? field.value : [];
    const chips = values.map((one, index) =>
      node("span", { class: "dmp-chip" }, String(one),
        iconButton("remove", `Take ${one} away`, () =>
          edit({ ...field, as: "list" }, values.filter((_, i) => i !== index)))));
    const input = combo({ ...field, placeholder: "add a value…" },
      { shown: "", blank: true, pick: (found) => {
        if (found !== "" && !values.some((one) => String(one) === String(found)))
          edit(field, [...values, found]);
      } });
    return node("span", { class: "dmp-tags" }, chips, input);
  }
  const CONTROLS = {
    choice, flag, time, area, tags, name, event, tristate, combo: value, boolean: truth,
    number: (field) => plain(field, "text", { inputmode: "decimal", size: 6 }),
    text: (field) => plain(field, "text"),
  };

  // ---- nodes ----------------------------------------------------------------
  function rows(found) {
    return (found || []).filter((row) => row.length).map((row) =>
      node("div", { class: "dmp-fields" }, row.map(control)));
  }
  function faults(view) {
    return (view.faults || []).map((text) =>
      node("p", { class: "dmp-fault" }, text));
  }
  function more(view) {
    if (!view.more?.length) return null;
    return node("details", { class: "dmp-more" }, node("summary", {}, "Options"),
      view.more.map((field) => node("label", { class: "dmp-option" },
        node("span", {}, field.label), control(field))));
  }
  function clauses(list) {
    const add = node("button", { class: "dmp-quiet", type: "button",
      "data-key": keyOf(list.list, "add"),
      onclick: () => send({ kind: "add", at: list.list, node: "property" }) },
      icon("plus"), list.parts.length ? "and…" : `${list.label}…`);
    const parts = list.parts.map((part, index) => node("div", { class: "dmp-clause" },
      node("span", { class: "dmp-word dmp-lead" }, index ? "and" : list.label),
      drawn(part)));
    return node("div", { class: "dmp-clauses" }, parts, add);
  }
  function steps(view) {
    if (!view.steps) return null;
    const { list, parts } = view.steps;
    const cards = parts.map((part, index) => node("li", { class: "dmp-step" },
      node("div", { class: "dmp-step-head" },
        node("b", {}, index ? `Then ${index + 1}` : "First"),
        parts.length > 1 ? iconButton("remove", `Take step ${index + 1} away`,
          () => send({ kind: "remove", at: part.at })) : null),
      rows(part.rows), (part.lists || []).map(clauses), faults(part)));
    return [node("ol", { class: "dmp-steps" }, cards),
      node("button", { class: "dmp-quiet", type: "button",
        "data-key": keyOf(list, "add"),
        onclick: () => send({ kind: "add", at: list, node: "step" }) },
        icon("plus"), "Add a step")];
  }
  function tools(view) {
    const what = view.title || "group";
    const act = (kind, extra) => () => send({ kind, at: view.at, ...extra });
    const key = (name) => ({ "data-key": keyOf(view.at, name) });
    if (view.root) return null;
    return node("span", { class: "dmp-tools" },
      iconButton("up", `Move ${what} up`, act("step", { by: -1 }), key("up")),
      iconButton("down", `Move ${what} down`, act("step", { by: 1 }), key("down")),
      iconButton("group", `Put ${what} in a group`,
        () => send({ kind: "edit", do: "wrap", at: view.at, value: "any" }),
        key("group")),
      iconButton("copy", `Copy ${what}`, act("copy"), key("copy")),
      iconButton("remove", `Remove ${what}`, act("remove"), key("remove")));
  }
  function negation(view) {
    return node("button", { class: "dmp-not", type: "button",
      "aria-pressed": String(view.negated), "data-key": keyOf(view.at, "not"),
      onclick: () => send({ kind: "negate", at: view.at }) }, "not");
  }
  function grip(view) {
    return node("span", { class: "dmp-grip", draggable: "true", "aria-hidden": "true",
      ondragstart: (event) => {
        dragged = view.at;
        event.dataTransfer.setData("text/plain", "condition");
        event.dataTransfer.effectAllowed = "move";
      },
      ondragend: () => { dragged = null; el.classList.remove("dmp-dragging"); },
    }, icon("grip"));
  }
  function gate(list, index) {
    return node("div", { class: "dmp-gate",
      ondragover: (event) => {
        if (!dragged) return;
        event.preventDefault();
        event.currentTarget.classList.add("over");
      },
      ondragleave: (event) => event.currentTarget.classList.remove("over"),
      ondrop: (event) => {
        event.preventDefault();
        if (dragged) send({ kind: "move", at: dragged, to: list, index });
        dragged = null;
      } });
  }
  function walked(view) {
    return (event) => {
      const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
      if (!by || !event.altKey || view.root) return;
      event.preventDefault();
      event.stopPropagation();
      send({ kind: "step", at: view.at, by });
    };
  }
  function leaf(view) {
    const id = JSON.stringify(view.inner.concat(view.key || []));
    return node("article", { class: "dmp-leaf", "data-node": JSON.stringify(view.at),
      tabindex: "-1", "aria-label": view.title, onkeydown: walked(view) },
      node("header", {}, grip(view), node("b", { class: "dmp-kind" }, view.title),
        negation(view), node("span", { class: "dmp-count", "data-count": id,
        "data-negated": view.negated }),
        tools(view)),
      view.steps ? steps(view) : null, rows(view.rows),
      view.of ? node("div", { class: "dmp-of" }, drawn({ ...view.of, root: true }))
        : null,
      (view.lists || []).map(clauses), more(view), faults(view));
  }
  function clause(view) {
    return node("div", { class: "dmp-leaf dmp-small",
      "data-node": JSON.stringify(view.at), tabindex: "-1" },
      negation(view), rows(view.rows), more(view),
      iconButton("group", "Alternatives", () =>
        send({ kind: "edit", do: "wrap", at: view.at, value: "any" }),
        { "data-key": keyOf(view.at, "group") }),
      iconButton("remove", "Remove condition", () =>
        send({ kind: "remove", at: view.at }), { "data-key": keyOf(view.at, "remove") }),
      faults(view));
  }
  function adder(view) {
    const menu = node("div", { class: "dmp-menu", hidden: true });
    const button = node("button", { class: "dmp-add", type: "button",
      "aria-expanded": "false", "data-key": keyOf(view.list, "add"),
      onclick: () => toggle(menu.hidden) }, icon("plus"),
      view.root && !view.parts.length ? "Add the first condition" : "Add condition");
    const pick = (kind) => {
      toggle(false);
      send({ kind: "add", at: view.list, node: kind });
    };
    function toggle(open) {
      menu.hidden = !open;
      button.setAttribute("aria-expanded", String(open));
      if (open) menu.querySelector("button").focus();
    }
    for (const [kind, title, hint] of model.get("content").kinds)
      menu.append(node("button", { type: "button", "data-kind": kind,
        onclick: () => pick(kind) }, node("b", {}, title), node("small", {}, hint)));
    menu.addEventListener("keydown", (event) => {
      const all = [...menu.children], now = all.indexOf(document.activeElement);
      const by = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
      if (by) { all[now + by]?.focus(); event.preventDefault(); }
      if (event.key === "Escape") { toggle(false); button.focus(); }
    });
    menu.addEventListener("focusout", (event) => {
      if (!menu.contains(event.relatedTarget) && event.relatedTarget !== button)
        toggle(false);
    });
    const nested = view.word === "all" ? "any" : "all";
    const group = node("button", { class: "dmp-add dmp-soft", type: "button",
      "data-key": keyOf(view.list, "addgroup"),
      onclick: () => send({ kind: "add", at: view.list, node: nested }) },
      icon("group"), "Add group");
    return node("div", { class: "dmp-adder" }, button, group, menu);
  }
  function group(view) {
    const word = view.word === "all" ? "and" : "or";
    const label = view.clause ? "" : view.root ? "People who match" : "match";
    const head = node("header", {}, view.root || view.clause ? null : grip(view),
      node("span", { class: "dmp-word" }, label),
      choice({ at: view.inner, control: "choice", label: "How they combine",
        do: "regroup", value: view.word,
        options: [["all", "all of"], ["any", "any of"]] }),
      node("span", { class: "dmp-word" }, "these"), negation(view),
      view.clause ? iconButton("remove", "Remove group",
        () => send({ kind: "remove", at: view.at })) : tools(view));
    const parts = [];
    view.parts.forEach((part, index) => {
      if (!view.clause) parts.push(gate(view.list, index));
      if (index) parts.push(node("span", { class: "dmp-joiner" }, word));
      parts.push(drawn(part));
    });
    if (!view.clause) parts.push(gate(view.list, view.parts.length));
    const empty = view.parts.length ? null : node("p", { class: "dmp-word dmp-none" },
      view.word === "all" ? "No conditions yet: everyone is in."
        : "No conditions yet: nobody is in.");
    return node("section", { class: `dmp-group${view.root ? " dmp-root" : ""}`,
      "data-node": JSON.stringify(view.at), tabindex: "-1", "aria-label": "Group",
      onkeydown: walked(view) }, head, empty, parts,
      view.clause ? clauses({ list: view.list, parts: [], label: word })
        : adder(view), faults(view));
  }
  function wrapped(view) {
    return node("section", { class: "dmp-group", "data-node": JSON.stringify(view.at) },
      node("header", {}, node("span", { class: "dmp-word" }, "the opposite of"),
        negation(view), view.clause ? null : tools(view)),
      view.parts.map(drawn), faults(view));
  }
  function drawn(view) {
    return { group, leaf, clause, not: wrapped }[view.type](view);
  }

  // ---- the whole -------------------------------------------------------------
  const bar = node("div", { class: "dmp-bar" });
  const place = node("div");
  let shown = "";
  el.append(bar, place);
  function draw() {
    const content = model.get("content");
    if (content.state === "loading") return place.replaceChildren(skeleton());
    if (content.state !== "ready") return place.replaceChildren(message(content));
    const focused = remembered();
    const undo = iconButton("undo", "Undo", () => send({ kind: "undo" }),
      { "data-key": "undo", disabled: !content.undo });
    const redo = iconButton("redo", "Redo", () => send({ kind: "redo" }),
      { "data-key": "redo", disabled: !content.redo });
    bar.replaceChildren(node("h2", {}, "Who is in it"), undo, redo);
    const now = JSON.stringify([content.root, content.kinds, content.templates]);
    if (now === shown && !content.focus) return undefined;
    shown = now;
    const root = content.root.type === "group" ? drawn(content.root)
      : node("div", {}, drawn(content.root), alone());
    place.replaceChildren(root, beginnings(content.templates) ?? "");
    count();
    quiet = true;
    restore(focused, content.focus);
    quiet = false;
    return undefined;
  }
  function beginnings(templates) {
    if (!templates.length) return null;
    return node("section", { class: "dmp-beginnings", "aria-label": "Templates" },
      node("h3", {}, "Or start from one of these"),
      templates.map(([name, title, hint]) => node("button", { type: "button",
        "data-template": name, onclick: () => send({ kind: "template", name }) },
        node("b", {}, title), node("small", {}, hint))));
  }
  function alone() {
    return node("button", { class: "dmp-add", type: "button", "data-key": "more",
      onclick: () => send({ kind: "edit", do: "wrap", at: ["rule"], value: "all" }) },
      icon("plus"), "Add more conditions");
  }
  function remembered() {
    const now = document.activeElement;
    if (!el.contains(now)) return null;
    const menu = now.closest(".dmp-menu");
    if (menu) return { menu: menu.parentElement.querySelector(".dmp-add").dataset.key,
                       kind: now.dataset.kind };
    return { key: now.dataset.key, given: given(now), open: now.dataset.open === "true" };
  }
  function restore(was, focus) {
    if (was?.menu) {
      const button = el.querySelector(`[data-key="${CSS.escape(was.menu)}"]`);
      button?.click();
      button?.parentElement.querySelector(`[data-kind="${was.kind}"]`)?.focus();
      return;
    }
    if (focus && !was?.given) {
      const found = el.querySelector(`[data-node="${CSS.escape(JSON.stringify(focus))}"]`);
      const first = found?.querySelector("input,select,textarea,.dmp-add");
      (first || found)?.focus({ preventScroll: false });
      return;
    }
    if (!was?.key) return;
    const found = el.querySelector(`[data-key="${CSS.escape(was.key)}"]`);
    if (!found) return;
    found.focus({ preventScroll: true });
    giveBack(found, was.given);
    if (was.open) found.click();
  }
  function count() {
    const counts = model.get("counts");
    for (const spot of el.querySelectorAll("[data-count]")) {
      const text = counts[spot.dataset.count];
      const what = spot.dataset.negated === undefined ? "people" : "left out";
      spot.textContent = text ? `${text} ${what}` : "";
    }
  }
  function keys(event) {
    if (!(event.ctrlKey || event.metaKey) || event.target.matches("textarea")) return;
    if (event.target.matches("input") && isChanged(event.target)) return;
    const redo = event.key === "y" || (event.key.toLowerCase() === "z" && event.shiftKey);
    if (event.key !== "z" && !redo) return;
    event.preventDefault();
    send({ kind: redo ? "redo" : "undo" });
  }
  const told = (found) => {
    if (found.kind !== "suggestions") return;
    waiting.get(keyOf(found.at, "s"))?.(found.items.map(entry));
  };
  const again = unpressed(draw);
  el.addEventListener("keydown", keys);
  model.on("change:content", again);
  model.on("change:counts", count);
  model.on("msg:custom", told);
  draw();
  return () => {
    model.off("change:content", again);
    model.off("change:counts", count);
    model.off("msg:custom", told);
  };
}

export default { render };
