// Tickets: how a participant comes in, and comes back as the same one.

import { ApiError } from "./api.js";
import { recall, remember } from "./remembered.js";

/** Return a ticket for the room: by the token, or else by the invitation. Throws ApiError. */
export async function enter(api, room, password) {
  const path = `v1/rooms/${encodeURIComponent(room)}`;
  const before = recall("resumption");
  const resumption = before?.room === room ? before.code : null;
  const { ticket, resumption: next } = api.token
    ? await api.post(`${path}/start`, { resumption })
    : await api.post(`${path}/start_invited`, { resumption, password, invite_code: inviteTo(room) });
  remember("resumption", { room, code: next });
  return ticket;
}

function inviteTo(room) {
  const invite = recall("invite");
  if (invite?.room !== room) throw new ApiError(404, "invite_not_found", "no invitation");
  return invite.code;
}
