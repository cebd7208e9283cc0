// The meeting as it is shown. Rendering says everything anew, and changes only what is another.

import { invitationLink } from "./address.js";
import { byId, complain, element, setText, showButtons, showSection } from "./elements.js";
import { consentTerms, deviceSentence, duration, refusalSentence, ROLES } from "./sentences.js";

const INVITATION_MS = 24 * 3600 * 1000;
const TICK_MS = 500;

const CONNECTIONS = {
  connecting: "Connecting …",
  connected: "Connected",
  trying: "Connection lost, coming back …",
  waiting: "You are here by another connection. Waiting until that has ended …",
};

const MEDIA = {
  connecting: "Connecting to the recorder …",
  connected: "The recorder receives you. It keeps what you agreed to, and nothing else.",
  lost: "The recorder is not reached. Trying again …",
};

const ANSWERS = {
  yes: "Your yes is on record. You are recorded whenever a recording runs.",
  no: "You said no. Nothing of you is recorded.",
  withdrawn: "You took your yes back. From that moment on nothing of you is recorded.",
  ended: "Your yes has ended. You are asked anew for what comes.",
};

export class MeetingView {
  #meeting;
  #api;
  #room;
  #ticker = null;

  constructor(meeting, api, room) {
    this.#meeting = meeting;
    this.#api = api;
    this.#room = room;
  }

  open() {
    const does = {
      "consent-yes": () => this.#meeting.answer(true),
      "consent-no": () => this.#meeting.answer(false),
      start: () => this.#meeting.start(),
      resume: () => this.#meeting.start(),
      pause: () => this.#meeting.pause(),
      stop: () => this.#meeting.stop(),
      microphone: () => this.#meeting.toggleMicrophone(),
      camera: () => this.#meeting.toggleCamera(),
      invite: () => this.#invite(),
      leave: () => this.#meeting.leave(),
    };
    for (const [id, action] of Object.entries(does)) byId(id).onclick = action;
    setText(byId("meeting-title"), `Room ${this.#room}`);
    this.#clear();
    byId("invite").hidden = !this.#api.token?.moderates;
    showSection("meeting");
    this.#ticker = setInterval(() => this.#renderMark(), TICK_MS);
    this.render();
  }

  /** Leave nothing of the meeting before. */
  #clear() {
    setText(byId("news"), "");
    byId("invitation").hidden = true;
    byId("invitation-link").value = "";
    byId("moderation").hidden = true;
    byId("participants").replaceChildren();
    byId("consent-text").replaceChildren();
    byId("consent-yes").disabled = byId("consent-no").disabled = true;
  }

  close() {
    clearInterval(this.#ticker);
    byId("preview").srcObject = null;
    byId("mark").hidden = true;
    setText(byId("connection"), "");
  }

  tell(news) {
    setText(byId("news"), news);
  }

  render() {
    const { connection, session } = this.#meeting;
    setText(byId("connection"), CONNECTIONS[connection]);
    byId("connection").dataset.state = connection;
    this.#renderDevices();
    if (!session) return;
    this.#renderConsent(session);
    this.#renderModeration(session);
    this.#renderParticipants(session);
    this.#renderMark();
  }

  #renderMark() {
    const { session } = this.#meeting;
    byId("mark").hidden = !session?.isRunning;
    if (!session?.isRunning) return;
    byId("mark").dataset.status = session.status;
    setText(byId("mark-word"), session.status === "paused" ? "Paused" : "Recording");
    setText(byId("mark-time"), duration(session.elapsed));
  }

  #renderConsent(session) {
    const connected = this.#meeting.connection === "connected";
    byId("consent").dataset.answer = session.answer ?? "none";
    setText(byId("consent-answer"), ANSWERS[session.answer] ?? "You have not answered. Nothing of you is recorded.");
    const terms = consentTerms(session);
    if (!byId("consent-text").hasChildNodes()) {
      byId("consent-text").append(...terms.map((term) => element("li", { textContent: term })));
    }
    setText(byId("consent-no"), session.consents ? "Stop recording me" : "No, do not record me");
    byId("consent-yes").disabled = byId("consent-no").disabled = !connected;
    const saidNo = session.answer === "no" || session.answer === "withdrawn";
    showButtons({ "consent-yes": !session.consents, "consent-no": !saidNo });
  }

  #renderModeration(session) {
    const { status } = session;
    byId("moderation").hidden = !session.moderates;
    const { isRunning } = session;
    showButtons({ start: !isRunning, pause: status === "active", resume: status === "paused", stop: isRunning });
    byId("start").disabled = status === "starting";
    setText(byId("start"), status === "starting" ? "Starting …" : "Start recording");
    const everybody = [session, ...session.others.values()];
    const agreeing = everybody.filter((each) => each.consents).length;
    setText(byId("moderation-note"), `${agreeing} of ${everybody.length} here agree to be recorded. Only they are.`);
  }

  #renderParticipants(session) {
    const me = { ...session, name: `${session.name} (you)`, role: session.role, consents: session.consents };
    byId("participants").replaceChildren(...[me, ...session.others.values()].map((each) => participantItem(each)));
  }

  #renderDevices() {
    const { devices, muted, media, mediaTrouble, connection } = this.#meeting;
    const isHeard = devices.audio && !muted;
    setText(byId("microphone"), microphoneWord(devices, muted));
    setText(byId("camera"), devices.video ? "Turn camera off" : "Turn camera on");
    byId("preview-off").hidden = Boolean(devices.video);
    this.#renderPreview(devices.video);
    byId("device-trouble").hidden = !devices.trouble;
    setText(byId("device-trouble"), devices.trouble ? deviceSentence(devices.trouble) : "");
    const sends = connection === "connected" && (isHeard || devices.video);
    setText(byId("media-state"), sends ? mediaSentence(media, mediaTrouble) : "Nothing is sent.");
  }

  #renderPreview(track) {
    const shown = byId("preview").srcObject?.getVideoTracks()[0] ?? null;
    if (shown !== track) byId("preview").srcObject = track ? new MediaStream([track]) : null;
  }

  async #invite() {
    complain("");
    try {
      byId("invitation-link").value ||= await this.#invitationLink();
    } catch (error) {
      complain(refusalSentence(error));
      return;
    }
    byId("invitation").hidden = false;
    byId("invitation-link").select();
    const copied = await navigator.clipboard?.writeText(byId("invitation-link").value).then(() => true, () => false);
    this.tell(copied ? "The invitation link is copied." : "Copy the invitation link from its field.");
  }

  async #invitationLink() {
    const expiration = new Date(Date.now() + INVITATION_MS).toISOString();
    return invitationLink(this.#room, await this.#api.invite(this.#room, expiration));
  }
}

function mediaSentence(media, trouble) {
  const why = trouble?.status >= 400 ? `${refusalSentence(trouble)} ` : "";
  return media ? why + MEDIA[media] : "";
}

function microphoneWord(devices, muted) {
  if (!devices.audio) return "Turn microphone on";
  return muted ? "Unmute" : "Mute";
}

function participantItem({ name, role, consents }) {
  const item = element(
    "li",
    {},
    element("span", { className: "who", textContent: name }),
    element("span", { className: "role", textContent: ROLES[role] ?? role }),
    element("span", { className: "agrees", textContent: consents ? "agrees to be recorded" : "has not agreed" }),
  );
  item.dataset.consents = consents;
  return item;
}
