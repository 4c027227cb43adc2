// A rule as YAML above what it comes to: size, sentence, conditions, people.
function outcome(content) {
  if (content.state === "faults")
    return node("ul", { class: "dmp-trial-faults", role: "alert" },
      content.faults.map((fault) => node("li", {}, fault)));
  if (content.state !== "ready") return message(content);
  return [
    node("p", { class: "dmp-trial-size" }, node("b", { "data-size": true }, content.members),
      node("span", {}, content.of)),
    node("p", { class: "dmp-sentence" }, content.sentence),
    content.conditions.length > 1 ? table(["Condition alone", "People"],
      content.conditions, "Each condition alone", [false, true]) : null,
    content.rows.length ? table(content.columns, content.rows, "A few of them, in bands")
      : null,
    content.note ? node("p", { class: "dmp-faint" }, content.note) : null,
  ].filter(Boolean);
}

function render({ model, el }) {
  el.classList.add("dmp", "dmp-trial");
  const text = node("textarea", { rows: 5, spellcheck: "false", "aria-label": "Rule as YAML",
    onkeydown: (event) => {
      if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      ask();
    } });
  const ask = () => {
    found.setAttribute("aria-busy", "true");
    model.send({ kind: "try", text: text.value });
  };
  const found = node("div", { class: "dmp-trial-found", "aria-live": "polite" });
  el.append(node("section", { class: "dmp-card", "aria-label": "Try a rule" }, text,
    node("div", { class: "dmp-trial-do" },
      node("button", { class: "dmp-button dmp-primary", type: "button", onclick: ask }, "Try"),
      node("small", { class: "dmp-faint" }, "or Ctrl-Enter; nothing is saved")), found));
  for (const name of ["keydown", "keyup", "keypress"])
    el.addEventListener(name, (event) => event.stopPropagation());
  let asked = null;
  return follow(model, (content) => {
    found.removeAttribute("aria-busy");
    if (content.text !== asked && document.activeElement !== text) text.value = content.text;
    asked = content.text;
    found.replaceChildren(...[outcome(content)].flat());
  });
}

export default { render };
