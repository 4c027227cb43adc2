function facts(content) {
  return node(
    "dl",
    { class: "dmp-facts" },
    content.facts.map(([term, value, mend]) =>
      node("div", {}, node("dt", {}, term),
        node("dd", {}, said(value),
          mend ? node("a", { href: mend }, "Set one") : null)),
    ),
  );
}

function whole(content) {
  return node(
    "header",
    { class: "dmp-head" },
    node(
      "div",
      {},
      node("h1", {}, content.name),
      content.description
        ? node("p", { class: "dmp-lead" }, content.description)
        : null,
      content.tags.length
        ? node(
            "div",
            { class: "dmp-tags" },
            content.tags.map((tag) => node("span", {}, tag)),
          )
        : null,
    ),
    node(
      "div",
      { class: "dmp-figure" },
      node("b", { "data-members": true }, content.members),
      node("span", {}, content.of),
      node(
        "nav",
        { class: "dmp-links", "aria-label": "This segment" },
        (content.links || []).map(([text, href]) => node("a", { href }, text)),
      ),
    ),
    node(
      "div",
      { class: "dmp-rule" },
      node("h2", {}, "Who is in it"),
      node("p", {}, content.sentence),
      facts(content),
    ),
  );
}

function empty(content) {
  return node(
    "div",
    { class: "dmp-empty" },
    node("h1", {}, content.title),
    node("p", {}, content.hint),
    node("code", {}, content.example),
  );
}

function render({ model, el }) {
  el.classList.add("dmp");
  return follow(model, (content) => {
    const shown = { ready: whole, loading: () => skeleton([40, 70, 100]), empty };
    el.replaceChildren((shown[content.state] || message)(content));
  });
}

export default { render };
