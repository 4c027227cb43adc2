// Shared by every widget; each widget's own file follows it in one module.
// All data enters the page as text nodes or attributes, never as markup.
const SVG = "http://www.w3.org/2000/svg";

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children.flat()) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child);
  }
  return element;
}

function node(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

function shape(tag, attributes, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

// A text from Python; an instant among them as the viewer writes it.
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:[\d.]+)?(Z|[+-]\d\d:\d\d)$/;
const said = (text) => (INSTANT.test(text) ? when(text) : String(text));
const dayOf = (iso) =>
  new Date(iso).toLocaleDateString(undefined, { dateStyle: "medium" });

// An instant as the viewer writes it, in the zone where they are.
function when(iso) {
  if (!iso) return null;
  const shown = new Date(iso).toLocaleString(undefined,
    { dateStyle: "medium", timeStyle: "short" });
  return node("time", { datetime: iso, title: iso }, shown);
}

function picture(width, height, title, ...children) {
  return shape(
    "svg",
    { width, height, viewBox: `0 0 ${width} ${height}`, role: "img" },
    shape("title", {}, title),
    ...children,
  );
}

function table(columns, rows, caption, numeric = []) {
  const kind = (index) => (numeric[index] ? { class: "dmp-number" } : {});
  const head = columns.map((c, i) => node("th", { scope: "col", ...kind(i) }, c));
  const body = rows.map((row) =>
    node(
      "tr",
      {},
      row.map((cell, i) => node("td", kind(i), said(cell))),
    ),
  );
  return node(
    "div",
    { class: "dmp-scroll", tabindex: "0", role: "region", "aria-label": caption },
    node(
      "table",
      {},
      node("caption", { class: "dmp-hidden" }, caption),
      node("thead", {}, node("tr", {}, head)),
      node("tbody", {}, body),
    ),
  );
}

function message(content, title) {
  const heading =
    title ||
    {
      refused: "Not with your role",
      failed: "This did not work",
      missing: "This link is out of date",
    }[content.state];
  return node(
    "div",
    { class: "dmp-message", "data-kind": content.state },
    heading ? node("strong", {}, heading) : null,
    node("p", {}, content.message || ""),
    content.reference
      ? node("p", { class: "dmp-reference" }, `Reference ${content.reference}`)
      : null,
  );
}

function skeleton(widths = [92, 74, 83, 48]) {
  return node(
    "div",
    { class: "dmp-skeleton", role: "status", "aria-busy": "true", "aria-label": "Loading" },
    widths.map((width) => {
      const line = node("span");
      line.style.width = `${width}%`;
      return line;
    }),
  );
}

// The width that text takes in the page's font.
const ruler = document.createElement("canvas").getContext("2d");
function textWidth(text, font = "400 13.5px") {
  ruler.font = `${font} "Inter Variable", Inter, system-ui, sans-serif`;
  return ruler.measureText(text).width;
}

function clipped(text, room, font) {
  if (textWidth(text, font) <= room) return text;
  let end = text.length;
  while (end > 1 && textWidth(`${text.slice(0, end)}…`, font) > room) end -= 1;
  return `${text.slice(0, end).trimEnd()}…`;
}

// The text in lines of at most this width; what does not fit ends in an ellipsis.
function wrapped(text, room, lines = 2) {
  const found = [""];
  for (const word of text.split(" ")) {
    const longer = `${found[found.length - 1]} ${word}`.trim();
    if (textWidth(longer) <= room || !found[found.length - 1])
      found[found.length - 1] = longer;
    else found.push(word);
  }
  if (found.length <= lines) return found;
  return [
    ...found.slice(0, lines - 1),
    clipped(found.slice(lines - 1).join(" "), room),
  ];
}

// Draws again whenever the element gets another width.
function onWidth(element, draw) {
  let last = 0;
  const observer = new ResizeObserver(() => {
    const width = Math.floor(element.clientWidth);
    if (width && width !== last) draw((last = width));
  });
  observer.observe(element);
  return () => observer.disconnect();
}

// What is drawn anew under a pressed pointer or space bar loses its click, and a drag
// its end: drawing waits until the press is over. An open list of a select is a press,
// whether a pointer or a key opened it; each way to close it ends in an event below.
let pressed = false, dragging = false;
const awaiting = new Set();
const TELLS_OPEN = CSS.supports("selector(select:open)");
const isHeld = () => pressed || dragging
  || (TELLS_OPEN && document.querySelector("select:open") !== null);
function over() {
  pressed = dragging = false;
  if (awaiting.size) setTimeout(() => {
    if (isHeld()) return;
    const draws = [...awaiting];
    awaiting.clear();
    for (const draw of draws) draw();
  });
}
const PRESSES = {
  pointerdown: () => { pressed = true; },
  pointerup: over,
  pointercancel: () => dragging || over(),
  pointermove: (event) => pressed && !dragging && !event.buttons && over(),
  keydown: (event) => { if (event.key === " ") pressed = true; else if (pressed) over(); },
  keyup: over,
  change: (event) => event.target.matches("select") && over(),
  dragstart: () => { dragging = true; },
  dragend: over,
  blur: (event) => event.target === window && over(),
};
for (const [name, heard] of Object.entries(PRESSES))
  window.addEventListener(name, heard, true);

// The drawing at once, or when nothing is pressed any more.
const unpressed = (draw) => () => {
  if (isHeld()) awaiting.add(draw);
  else draw();
};

// A field as it is drawn; what the viewer put into it since, its model may not know yet.
function drawnAs(field, value) {
  field.value = value ?? "";
  field.dataset.drawn = field.value;
  return field;
}

const isChanged = (field) =>
  field.dataset?.drawn !== undefined && field.value !== field.dataset.drawn;

// What to put back into the field that is drawn in the place of this one.
function given(field) {
  if (!isChanged(field)) return null;
  return { value: field.value, caret: field.selectionStart ?? null };
}

function giveBack(field, was) {
  if (!was) return;
  field.value = was.value;
  if (was.caret !== null) field.setSelectionRange?.(was.caret, was.caret);
}

// A card with a heading, a body for each state, and a table behind the chart.
function card(model, el, { chart, rows }) {
  let asTable = false;
  const body = node("div", { class: "dmp-card-body" });
  const toggle = node("button", { class: "dmp-quiet", type: "button", onclick: flip });
  const heading = node("h2");
  const caption = node("p");
  const head = node(
    "div",
    { class: "dmp-card-head" },
    node("div", { class: "dmp-card-words" }, heading, caption),
    rows ? toggle : null,
  );
  el.classList.add("dmp");
  el.append(node("section", { class: "dmp-card" }, head, body));
  function flip() {
    asTable = !asTable;
    draw();
  }
  function draw() {
    const content = model.get("content");
    heading.textContent = model.get("title");
    caption.textContent = model.get("caption");
    const ready = content.state === "ready";
    toggle.hidden = !ready;
    toggle.textContent = asTable ? "Show chart" : "Show table";
    toggle.setAttribute("aria-pressed", String(asTable));
    body.replaceChildren(drawn(content, ready));
  }
  function drawn(content, ready) {
    if (content.state === "loading") return skeleton();
    if (!ready) return message(content);
    const width = Math.floor(body.clientWidth) || 480;
    return asTable && rows ? rows(content) : chart(content, width);
  }
  const stop = onWidth(body, draw);
  const names = ["content", "title", "caption"];
  const again = unpressed(draw);
  for (const name of names) model.on(`change:${name}`, again);
  draw();
  return () => {
    stop();
    for (const name of names) model.off(`change:${name}`, again);
  };
}

// Draws once and after each change of the content.
function follow(model, draw) {
  const now = () => draw(model.get("content")), again = unpressed(now);
  model.on("change:content", again);
  now();
  return () => model.off("change:content", again);
}
