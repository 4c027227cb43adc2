function counts(content) {
  return node(
    "dl",
    {},
    content.verdicts.map(([label, n]) =>
      node("div", {}, node("dt", {}, label), node("dd", {}, n)),
    ),
  );
}

function agreement(content) {
  if (!content.agreement.length)
    return node(
      "p",
      { class: "dmp-soft" },
      "Agreement is shown once two reviewers judged the same pair.",
    );
  return content.agreement.map((row) =>
    node(
      "p",
      { class: "dmp-agreement" },
      node("b", {}, row.who),
      node("span", {}, row.text),
      node("span", {}, `Cohen's kappa ${row.kappa}`),
    ),
  );
}

function drawn(content) {
  if (content.state === "loading") return [skeleton([70, 90, 60])];
  if (content.state !== "ready") return [message(content)];
  return [
    node("h2", {}, "Progress"),
    node(
      "p",
      { class: "dmp-big" },
      node("b", { "data-mine": content.mine }, content.mine),
      " labels of yours",
    ),
    counts(content),
    node("p", { class: "dmp-soft" }, `${content.everyone} in all.`),
    node(
      "p",
      { class: "dmp-soft" },
      `${content.unsure} pairs left of which the model is unsure.`,
    ),
    node("h2", {}, "Agreement"),
    agreement(content),
    node("h2", {}, "Labels measure"),
    node(
      "p",
      { class: "dmp-soft" },
      "A label moves nobody. Merge and split do, and win over all evidence.",
    ),
  ];
}

function render({ model, el }) {
  el.classList.add("dmp");
  const box = node("section", {
    class: "dmp-progress",
    "aria-label": "Progress",
    "aria-live": "polite",
  });
  el.append(box);
  return follow(model, (content) => box.replaceChildren(...drawn(content).flat()));
}

export default { render };
