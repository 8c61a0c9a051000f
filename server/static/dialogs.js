// A form that is folded away (details.asks) opens as a dialog, which holds the focus and gives it back. Without scripts it unfolds.
import { _ } from "./words.js";

// Each by the id of its details: fill(form) comes before it is shown.
export function dialogs(fill = {}) {
  const opened = {};
  for (const details of document.querySelectorAll("details.asks")) {
    const dialog = document.createElement("dialog"), title = document.createElement("h2"), form = details.querySelector("form");
    const summary = details.querySelector("summary"), button = document.createElement("button"), close = document.createElement("button");
    title.textContent = button.textContent = summary.textContent;
    title.id = `${details.id}-title`;
    dialog.id = details.id;
    dialog.className = "asks";
    dialog.setAttribute("aria-labelledby", title.id);
    button.type = close.type = "button";
    for (const one of [button, close]) one.classList.add("button", "plain");
    close.textContent = _("Cancel");
    form.querySelector(".actions").append(close);
    dialog.append(title, form);
    details.replaceWith(button, dialog);
    opened[dialog.id] = (values = {}) => {
      form.reset();
      fill[dialog.id]?.(form);
      for (const [name, value] of Object.entries(values)) form.elements[name].value = value;
      dialog.showModal();
    };
    button.addEventListener("click", () => opened[dialog.id]());
    close.addEventListener("click", () => dialog.close());
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close()); // beside it
  }
  return opened;
}
