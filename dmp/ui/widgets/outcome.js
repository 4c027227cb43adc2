function result(content) {
  const files = content.files.map((file) => [file.name, file.rows, file.sha256]);
  return node(
    "div",
    { class: "dmp-outcome", "data-dry": content.dry_run },
    node("strong", {}, content.message),
    node(
      "ul",
      {},
      content.lines.map((line) => node("li", {}, line)),
    ),
    files.length
      ? table(["File", "Rows", "SHA-256"], files, "Files written", [false, true])
      : null,
  );
}

function render({ model, el }) {
  el.classList.add("dmp");
  el.setAttribute("aria-live", "polite");
  return follow(model, (content) => {
    const shown = {
      loading: () => skeleton([60, 80]),
      ready: () => result(content),
      none: () => "",
    }[content.state];
    el.replaceChildren(shown ? shown() : message(content));
  });
}

export default { render };
