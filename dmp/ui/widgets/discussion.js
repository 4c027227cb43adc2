// Comments on a segment, who approved it, and its archive.
function remark(one) {
  return node("li", {}, node("p", {}, node("b", {}, one.by), ` ${one.did} `, when(one.at)),
    one.text ? node("blockquote", {}, one.text) : null);
}

function standing(content, send) {
  const approve = node("button", { class: "dmp-button", type: "button",
    disabled: content.approved, onclick: () => send({ kind: "approve" }) }, "Approve");
  const archive = node("button", { class: "dmp-button", type: "button",
    onclick: () => send({ kind: "archive", archived: !content.archived }) },
    content.archived ? "Bring back from the archive" : "Archive");
  const needed = content.needed ? ": it may not leave until somebody does" : "";
  return node("div", { class: "dmp-standing" },
    node("p", { role: "status", "data-approved": content.approved },
      content.approval, needed, content.at ? [" · ", when(content.at)] : null),
    approve, archive);
}

function render({ model, el }) {
  el.classList.add("dmp");
  const send = (message) => model.send(message);
  const text = node("textarea", { rows: 2, maxlength: 2000, "aria-label": "Comment",
    placeholder: "Write a comment…" });
  const form = node("form", { class: "dmp-comment", onsubmit: (event) => {
    event.preventDefault();
    if (!text.value.trim()) return;
    send({ kind: "comment", text: text.value });
    text.value = "";
  } }, text, node("button", { class: "dmp-button", type: "submit" }, "Comment"));
  const body = node("div");
  el.append(node("section", { class: "dmp-card", "aria-label": model.get("title") },
    node("div", { class: "dmp-card-head" }, node("div", { class: "dmp-card-words" },
      node("h2", {}, model.get("title")), node("p", {}, model.get("caption")))),
    body, form));
  return follow(model, (content) => {
    if (content.state === "loading") return body.replaceChildren(skeleton([60]));
    form.hidden = content.state !== "ready";
    if (form.hidden) return body.replaceChildren(message(content));
    return body.replaceChildren(standing(content, send), content.remarks.length
      ? node("ol", { class: "dmp-remarks", tabindex: "0", "aria-label": "What was said" },
          content.remarks.map(remark))
      : node("p", { class: "dmp-faint" }, "Nobody has said anything yet."));
  });
}

export default { render };
