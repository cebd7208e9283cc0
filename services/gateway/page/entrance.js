// The entrance: who one is, and into which room.

import { byId, complain, showSection } from "./elements.js";
import { recall, remember } from "./remembered.js";
import { refusalSentence } from "./sentences.js";

export class Entrance {
  #api;
  #discards;

  /**
   * `enters` is called with room, name and password; `sees` with a room whose recordings are asked for; `brings` with
   * a token; `discards` when the token is not good.
   */
  constructor({ enters, sees, brings, discards }) {
    this.#discards = discards;
    byId("token-form").onsubmit = (event) => {
      event.preventDefault();
      brings(byId("token").value.trim());
      byId("token").value = "";
    };
    byId("room-form").onsubmit = (event) => {
      event.preventDefault();
      this.#busily(async () => enters(await this.#choice()));
    };
    byId("see-recordings").onclick = () => this.#busily(async () => sees(await this.#seen()));
  }

  /** Show what there is to choose for whoever has this token, this invitation, or neither. */
  show(api, room = "") {
    this.#api = api;
    const invite = recall("invite");
    const { token } = api;
    byId("token-form").hidden = Boolean(token || invite);
    byId("room-form").hidden = !token && !invite;
    byId("invited").hidden = !invite;
    byId("invited-room").textContent = invite?.room ?? "";
    byId("room-field").hidden = !token || Boolean(token.room);
    byId("room-note").textContent = token?.makesRooms
      ? "The id of a room that is there. Leave it empty to make a new one."
      : "The id of the room that you were told.";
    byId("room").required = Boolean(token) && !token.makesRooms && !token.room;
    byId("see-recordings").hidden = !token?.seesRecordings;
    byId("name").value ||= recall("name") ?? "";
    byId("room").value = room;
    showSection("entrance");
    if (!byId("room-form").hidden) byId("name").focus();
  }

  async #choice() {
    const name = byId("name").value;
    remember("name", name);
    const password = byId("password").value || undefined;
    return { name, password, room: await this.#room() };
  }

  async #room() {
    const { token } = this.#api;
    if (!token) return recall("invite").room;
    const written = byId("room").value.trim() || token.room;
    return written ? this.#api.findRoom(written) : this.#api.makeRoom();
  }

  async #seen() {
    const written = byId("room").value.trim() || this.#api.token.room;
    if (written) return this.#api.findRoom(written);
    byId("room").focus();
    throw new Error("Write the id of the room whose recordings you want to see.");
  }

  /** Do it with the buttons off, and say what was wrong. */
  async #busily(action) {
    complain("");
    const buttons = [...byId("room-form").querySelectorAll("button")];
    for (const button of buttons) button.disabled = true;
    try {
      await action();
    } catch (error) {
      if (error.code === "unauthorized") this.#discards();
      complain(refusalSentence(error));
    } finally {
      for (const button of buttons) button.disabled = false;
    }
  }
}

/** Ask for the invitation's password beside the name. */
export function askPassword() {
  const again = !byId("password-field").hidden;
  byId("password-field").hidden = false;
  byId("password").focus();
  complain(again ? "This is not the password. Ask whoever invited you." : "This invitation has a password. Write it below.");
}
