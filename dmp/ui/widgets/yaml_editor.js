// The rule as YAML, taken into the form when the viewer leaves it or presses the key.
function render({ model, el }) {
  el.classList.add("dmp");
  const text = node("textarea", { class: "dmp-yaml", spellcheck: "false", rows: 12,
    "aria-label": "The rule as YAML", onchange: take,
    onkeydown: (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) take();
    } });
  const faults = node("ul", { class: "dmp-faults", role: "status" });
  const section = node("details", { class: "dmp-card" },
    node("summary", {}, node("h2", {}, "YAML")),
    node("p", { class: "dmp-as-of" },
      "The same rule. What you change here changes the form when you leave the field."),
    text, faults);
  el.append(section);
  let held = "";
  function take() {
    if (text.value !== held) model.send({ kind: "write", text: (held = text.value) });
  }
  return follow(model, (content) => {
    if (content.text === undefined) return;
    const typing = document.activeElement === text && text.value !== held;
    if (!typing && content.text !== text.value) text.value = content.text;
    if (!typing) held = content.text;
    text.rows = Math.min(28, Math.max(8, content.text.split("\n").length + 1));
    text.setAttribute("aria-invalid", String(content.faults.length > 0));
    faults.replaceChildren(...content.faults.map((one) => node("li", {}, one)));
  });
}

export default { render };
