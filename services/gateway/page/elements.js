// Making and finding elements. Text goes in as text alone, so what others call themselves is never markup.

export const byId = (id) => document.getElementById(id);

export function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children.filter((child) => child !== null));
  return made;
}

/** Set text only where it is another one: live regions read out whatever is set. */
export function setText(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

/** Show those of these buttons that can be used now. The focus stays among them when its button goes. */
export function showButtons(isShown) {
  const focused = document.activeElement;
  for (const [id, shown] of Object.entries(isShown)) byId(id).hidden = !shown;
  const left = Object.keys(isShown).find((id) => isShown[id]);
  if (focused?.id in isShown && focused.hidden && left) byId(left).focus();
}

/** Show one of the page's sections, and put the focus where it begins. */
export function showSection(id, ...beside) {
  for (const section of document.querySelectorAll("main > section")) {
    section.hidden = section.id !== id && !beside.includes(section.id);
  }
  const title = byId(`${id}-title`);
  document.title = `${title.textContent} – onrecord`;
  title.focus();
}

export function complain(sentence) {
  byId("alert").hidden = !sentence;
  setText(byId("alert"), sentence);
  if (sentence) byId("alert").scrollIntoView({ block: "nearest" });
}
