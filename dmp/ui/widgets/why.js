// Asks for a person and shows which conditions hold for them.
function render({ model, el }) {
  el.classList.add("dmp");
  const field = node("input", { class: "dmp-id", type: "text", autocomplete: "off",
    spellcheck: "false", placeholder: "profile_id", "aria-label": "profile_id" });
  const answer = node("div", { role: "status" });
  const form = node("form", { class: "dmp-ask", onsubmit: (event) => {
    event.preventDefault();
    model.send({ kind: "why", profile_id: field.value });
  } }, field, node("button", { class: "dmp-button", type: "submit" }, "Ask"));
  el.append(node("section", { class: "dmp-card" },
    node("div", { class: "dmp-card-head" }, node("div", { class: "dmp-card-words" },
      node("h2", {}, model.get("title")), node("p", {}, model.get("caption")))),
    form, answer));
  return follow(model, (content) => {
    if (["none", "loading"].includes(content.state)) return answer.replaceChildren();
    if (content.state !== "ready") return answer.replaceChildren(message(content));
    return answer.replaceChildren(node("p", {}, node("strong", {}, content.verdict)),
      table(["Condition", "For this person"], content.rows, "Why this person"));
  });
}

export default { render };
