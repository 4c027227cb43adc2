// The size of the rule: exact, or about while the exact count runs.
function line(part) {
  return node("li", {},
    node("span", {}, part.label),
    node("span", { class: "dmp-track" }, bar(part.bar)),
    node("b", {}, part.people));
}

function bar(length) {
  const filled = node("i");
  filled.style.width = `${Math.max(length * 100, 0.5)}%`;
  return filled;
}

function size(content) {
  if (content.state === "waiting")
    return [node("p", { class: "dmp-figure dmp-dim" }, DASHES),
            node("p", { class: "dmp-of-all" }, content.message)];
  if (content.state === "loading")
    return [node("p", { class: "dmp-figure dmp-dim", "data-size": "" },
                 content.about || "Counting…"),
            node("p", { class: "dmp-of-all" }, content.of || " ")];
  if (content.state !== "ready") return [message(content)];
  return [node("p", { class: "dmp-figure", "data-size": "" }, content.members),
          node("p", { class: "dmp-of-all" }, content.of)];
}
const DASHES = "–";

function render({ model, el }) {
  el.classList.add("dmp");
  const body = node("div", { "aria-live": "polite" });
  const rest = node("div");
  el.append(node("section", { class: "dmp-card dmp-tally", "aria-label": "Size" },
                 body, rest));
  return follow(model, (content) => {
    body.replaceChildren(...size(content));
    const running = content.state === "loading" && content.cancellable;
    rest.replaceChildren(
      running ? node("button", { class: "dmp-quiet", type: "button",
        onclick: () => model.send({ kind: "cancel" }) }, "Stop counting") : "",
      content.steps ? node("ul", { class: "dmp-steps-small" },
        content.steps.map(line)) : "",
      content.sentence ? node("p", { class: "dmp-sentence" }, content.sentence) : "",
      content.as_of ? node("p", { class: "dmp-as-of" }, "As of ", when(content.as_of)) : "");
  });
}

export default { render };
