// The way through the page: entrance, meeting, recordings.

import { takeAddress } from "./address.js";
import { Api } from "./api.js";
import { byId, complain, setText, showSection } from "./elements.js";
import { askPassword, Entrance } from "./entrance.js";
import { Meeting } from "./meeting.js";
import { Recordings } from "./recordings.js";
import { forget, recall, remember } from "./remembered.js";
import { refusalSentence } from "./sentences.js";
import { Token } from "./token.js";

let api = new Api(null);
const recordings = new Recordings();
const entrance = new Entrance({ enters: meet, sees: showRecordings, brings: takeToken, discards: discardToken });

function begin() {
  const { room } = takeAddress();
  const token = recall("token");
  api = new Api(token && new Token(token));
  const before = recall("meeting");
  if (before && (token || recall("invite"))) return meet(before);
  return entrance.show(api, room ?? "");
}

function takeToken(text) {
  // Whole links are pasted as well.
  remember("token", text.split("#token=").at(-1));
  begin();
}

function discardToken() {
  forget("token");
  begin();
}

async function meet({ room, name, password }) {
  const meeting = new Meeting(api, { room, name, password }, () => recordings.refresh());
  remember("meeting", { room, name });
  if (recall("resumption")?.room !== room) forget("answer");
  let left;
  try {
    recordings.follow(api, room);
    left = await meeting.run();
  } catch (error) {
    return refused(error, room);
  } finally {
    forget("meeting", "answer");
  }
  if (left) forget("resumption");
  return showAfterwards(left ? "You left the meeting" : "You are no longer in the meeting", left, room);
}

function refused(error, room) {
  console.warn("not in the meeting:", error.message);
  entrance.show(api, room);
  if (error.code === "wrong_room_password") return askPassword();
  if (error.code === "unauthorized") discardToken();
  return complain(refusalSentence(error));
}

function showAfterwards(title, left, room) {
  const why = left ? "" : "You came in from another place, or you were sent away, or the session was ended. ";
  const seen = api.token?.seesRecordings ? "" : "Recordings are shown to moderators alone. Ask one for your file.";
  openAfterwards(title, why + seen, room);
}

function showRecordings(room) {
  recordings.follow(api, room);
  openAfterwards(`Room ${room}`, "", room);
}

function openAfterwards(title, text, room) {
  setText(byId("afterwards-title"), title);
  setText(byId("afterwards-text"), text);
  byId("enter-again").onclick = () => entrance.show(api, room);
  byId("other-room").onclick = () => entrance.show(api);
  byId("other-room").hidden = !api.token;
  showSection("afterwards", "recordings");
  recordings.refresh();
}

window.addEventListener("hashchange", () => {
  // A link that was opened in this very tab: as if the page was opened by it.
  if (takeAddress().brings) location.reload();
});

begin();
