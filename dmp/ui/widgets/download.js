function save(name, bytes) {
  const address = URL.createObjectURL(new Blob([bytes]));
  node("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

function render({ model, el }) {
  el.classList.add("dmp");
  const receive = (received, buffers) => {
    if (received.kind === "file") save(received.name, buffers[0]);
  };
  model.on("msg:custom", receive);
  const stop = follow(model, (content) => {
    const button = ([format, label]) =>
      node(
        "button",
        {
          class: "dmp-button",
          type: "button",
          "data-format": format,
          disabled: Boolean(content.busy),
          onclick: () => model.send({ kind: "fetch", format }),
        },
        label,
      );
    el.replaceChildren(
      node(
        "div",
        { class: "dmp-downloads" },
        (content.formats || []).map(button),
        node("span", { role: "status" }, content.busy || ""),
      ),
    );
  });
  return () => {
    stop();
    model.off("msg:custom", receive);
  };
}

export default { render };
