// What the tab remembers over a reload, and forgets when it is closed.

const PREFIX = "onrecord.";

export function remember(name, value) {
  sessionStorage.setItem(PREFIX + name, JSON.stringify(value));
}

export function recall(name) {
  const written = sessionStorage.getItem(PREFIX + name);
  return written === null ? null : JSON.parse(written);
}

export function forget(...names) {
  for (const name of names) sessionStorage.removeItem(PREFIX + name);
}
