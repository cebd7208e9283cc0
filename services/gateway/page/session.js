// The session as signaling tells it: who is there, who agrees, what is being recorded. No elements, no network.

import { remember, recall } from "./remembered.js";

export class Session {
  constructor({ timestamp, payload }) {
    this.id = payload.id;
    this.name = payload.display_name;
    this.role = payload.role;
    this.withdrawalPolicy = payload.recording.withdrawal_policy;
    this.target = Object.keys(payload.recording.targets)[0];
    /** By how much this machine's clock is ahead of the server's. */
    this.ahead = Date.now() - Date.parse(timestamp);
    this.others = new Map();
    for (const each of payload.participants) if (!each.control.left_at) this.others.set(each.id, participant(each));
    this.status = payload.recording.targets[this.target].status;
    this.began = payload.recording.started_at ? Date.parse(payload.recording.started_at) : null;
    this.keepsConsent = payload.recording.consent_policy === "keep";
    /** What this participant answered last: `yes`, `no`, `withdrawn`, or `ended` when their yes ended by itself. */
    this.answer = answerAfter(recall("answer"), payload.recording.consents_recording);
  }

  get consents() {
    return this.answer === "yes";
  }

  get moderates() {
    return this.role === "moderator";
  }

  get isRunning() {
    return this.status === "active" || this.status === "paused";
  }

  /** For how many milliseconds the recording has run. */
  get elapsed() {
    return Date.now() - this.ahead - this.began;
  }

  /** Take what this participant answered. They are not told of it themselves. */
  answered(consent) {
    this.#noteAnswer(consent ? "yes" : this.consents ? "withdrawn" : "no");
    return consent ? "You agree to be recorded." : "You are not recorded.";
  }

  #endConsents() {
    for (const each of this.others.values()) each.consents = false;
    if (this.consents) this.#noteAnswer("ended");
  }

  #noteAnswer(answer) {
    this.answer = answer;
    remember("answer", answer);
  }

  /** Take what is told, and return the sentence that says it; null: there is nothing to say. */
  take({ timestamp, payload }) {
    const told = this[`_${payload.message}`];
    return told ? told.call(this, payload, timestamp) : null;
  }

  _joined(payload) {
    this.others.set(payload.id, participant(payload));
    return `${payload.control.display_name} came in.`;
  }

  _update(payload) {
    const before = this.others.get(payload.id);
    const now = participant(payload);
    this.others.set(payload.id, now);
    if (before?.consents !== now.consents) {
      return now.consents ? `${now.name} agrees to be recorded.` : `${now.name} does not agree to be recorded.`;
    }
    return before.role === now.role ? null : `${now.name} is ${now.role} now.`;
  }

  _left({ id }) {
    const gone = this.others.get(id);
    this.others.delete(id);
    return gone ? `${gone.name} left.` : null;
  }

  _role_updated({ new_role: role }) {
    this.role = role;
    return `You are ${role} now.`;
  }

  _started(_, timestamp) {
    this.began = Date.parse(timestamp);
    return "Recording began. Whoever agrees is recorded from now on.";
  }

  _stream_updated({ status }) {
    const before = this.status;
    this.status = status;
    if (status === "paused") return "The recording is paused.";
    return before === "paused" && status === "active" ? "The recording goes on." : null;
  }

  _stopped({ discarded }) {
    this.status = "inactive";
    this.began = null;
    if (!this.keepsConsent) this.#endConsents();
    return discarded ? "The recording was stopped and thrown away." : "The recording was stopped.";
  }
}

function participant({ id, control, recording }) {
  return { id, name: control.display_name, role: control.role, consents: recording.consents_recording };
}

/** Nobody is told of their own answers. What they said before they came back may have ended since, or not. */
function answerAfter(before, consents) {
  if (consents) return "yes";
  return before === "yes" ? "ended" : before;
}
