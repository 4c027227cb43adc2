function render({ model, el }) {
  el.classList.add("dmp");
  const banner = node("div", { role: "alert" });
  const toast = node("div", { role: "status" });
  el.append(banner, toast);
  let timer = 0;
  const close = () => {
    banner.replaceChildren();
    model.send({ kind: "dismiss" });
  };
  const stop = follow(model, (content) => {
    clearTimeout(timer);
    toast.replaceChildren();
    banner.replaceChildren();
    if (content.state === "news") {
      toast.append(node("div", { class: "dmp-toast" }, content.message));
      timer = setTimeout(() => toast.replaceChildren(), 5000);
    } else if (content.state !== "none") {
      banner.append(
        node(
          "div",
          { class: "dmp-banner" },
          message(content, content.title),
          node(
            "button",
            { class: "dmp-quiet", type: "button", onclick: close },
            "Dismiss",
          ),
        ),
      );
    }
  });
  return () => {
    clearTimeout(timer);
    stop();
  };
}

export default { render };
