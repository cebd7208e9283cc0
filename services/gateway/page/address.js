// What links bring: a token, an invitation, a room. They stand behind the #, which browsers send to no server.

import { forget, remember } from "./remembered.js";

/** Take what the address brings into the tab's memory, and out of the address bar and the history. */
export function takeAddress() {
  const brought = new URLSearchParams(location.hash.slice(1));
  const [token, room, invite] = ["token", "room", "invite"].map((name) => brought.get(name));
  if (token) {
    remember("token", token);
    forget("invite");
  }
  if (room) forget("meeting");
  if (room && invite) {
    remember("invite", { room, code: invite });
    forget("token");
  }
  if (location.hash) history.replaceState(null, "", location.pathname + location.search);
  return { room, brings: Boolean(token || room) };
}

export function invitationLink(room, code) {
  return `${location.origin}${location.pathname}#${new URLSearchParams({ room, invite: code })}`;
}
