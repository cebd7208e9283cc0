// A meeting: signaling, devices and publishing, and what the participant does with them.

import { complain } from "./elements.js";
import { enter } from "./entering.js";
import { Devices } from "./devices.js";
import { MeetingView } from "./meeting_view.js";
import { recall } from "./remembered.js";
import { signalingSentence } from "./sentences.js";
import { Session } from "./session.js";
import { Signaling } from "./signaling.js";
import { Publisher } from "./whip.js";

const TERMS = "page-1";

export class Meeting {
  session = null;
  connection = "connecting";
  media = null;
  /** Why media was refused. */
  mediaTrouble = null;
  muted = false;
  #api;
  #room;
  #publisher = null;
  #signaling;
  #stopped;
  #left = false;

  /** `stopped` is called when a recording of the room is over. */
  constructor(api, { room, name, password }, stopped) {
    this.#api = api;
    this.#room = room;
    this.#stopped = stopped;
    this.devices = new Devices((kind) => this.#deviceLost(kind));
    this.#signaling = new Signaling(() => enter(api, room, password), name, {
      message: (envelope) => this.#take(envelope),
      lost: () => this.#lost(),
      trying: ({ code }) => this.#setConnection(code === "session_running" ? "waiting" : "trying"),
    });
    this.view = new MeetingView(this, api, room);
  }

  /** Stay until one leaves or is sent away; tell whether one left. Throws ApiError. */
  async run() {
    this.view.open();
    this.devices.open().then(() => this.#devicesOpened());
    try {
      await this.#signaling.run();
    } finally {
      this.#publisher?.stop();
      this.devices.close();
      this.view.close();
    }
    return this.#left;
  }

  leave() {
    this.#left = true;
    this.#publisher?.stop();
    this.#signaling.leave();
  }

  // --- what the participant says

  answer(consent) {
    if (!this.#say({ action: "set_consent", consent, text_version: TERMS })) return;
    this.view.tell(this.session.answered(consent));
    this.view.render();
  }

  start() {
    if (!this.#sayOfStream("start_stream")) return;
    if (this.session.status === "inactive") this.session.status = "starting";
    this.view.render();
  }

  pause() {
    this.#sayOfStream("pause_stream");
  }

  stop() {
    this.#sayOfStream("stop_stream");
  }

  async toggleMicrophone() {
    if (!this.devices.audio) return this.#turnOn("audio");
    this.muted = !this.muted;
    this.devices.audio.enabled = !this.muted;
    // No packets at all, rather than packets of silence: the recording then says that it was muted.
    await this.#send("audio");
    this.view.render();
  }

  async toggleCamera() {
    if (!this.devices.video) return this.#turnOn("video");
    this.devices.turnOff("video");
    await this.#send("video");
    this.view.render();
  }

  async #turnOn(kind) {
    await this.devices.turnOn(kind);
    if (kind === "audio") this.muted = false;
    await this.#send(kind);
    this.#publish();
    this.view.render();
  }

  // --- what happens

  #take(envelope) {
    const { namespace, payload } = envelope;
    if (payload.message === "join_success") return this.#joined(envelope);
    if (!this.session) return null;
    if (payload.message === "error" || payload.message === "recorder_error") this.#refused(namespace, payload.error);
    const news = this.session.take(envelope);
    if (news) this.view.tell(news);
    if (payload.message === "stopped") this.#stopped();
    return this.view.render();
  }

  #joined(envelope) {
    this.session = new Session(envelope);
    this.#setConnection("connected");
    this.#publisher?.stop();
    this.#publisher = null;
    this.#publish();
  }

  #refused(namespace, code) {
    if (this.session.status === "starting") this.session.status = "inactive";
    if (code === "timeout") return complain("No recorder was ready. Try to start again in a moment.");
    // It does not say of what: an answer to the question for consent may be lost.
    const doubt = code === "internal" && namespace === "recording" && this.session.answer;
    return complain(signalingSentence(code) + (doubt ? " Then answer once more whether you may be recorded." : ""));
  }

  #lost() {
    this.#publisher?.stop();
    this.#publisher = null;
    this.media = null;
    this.#setConnection("trying");
  }

  #setConnection(connection) {
    this.connection = connection;
    this.view.render();
  }

  #devicesOpened() {
    if (this.#left) return this.devices.close();
    this.#publish();
    return this.view.render();
  }

  async #deviceLost(kind) {
    await this.#send(kind);
    this.view.render();
  }

  // --- publishing

  #publish() {
    const has = this.devices.audio || this.devices.video;
    if (!has || this.#publisher || this.connection !== "connected") return;
    const publisher = new Publisher(this.#api, this.#room, () => recall("resumption").code, (state, refused = null) => {
      if (publisher !== this.#publisher) return;
      this.media = state;
      this.mediaTrouble = refused;
      this.view.render();
    });
    this.#publisher = publisher;
    this.#send("audio");
    this.#send("video");
    publisher.run();
  }

  async #send(kind) {
    const silent = kind === "audio" && this.muted;
    await this.#publisher?.send(kind, silent ? null : this.devices[kind]);
  }

  #sayOfStream(action) {
    return this.#say({ action, target_ids: [this.session.target] });
  }

  #say(payload) {
    complain("");
    if (this.#signaling.send("recording", payload)) return true;
    complain("You are not connected at the moment. Wait until you are, then try again.");
    return false;
  }
}
