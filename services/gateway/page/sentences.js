// What people are told: codes of the interfaces as sentences that say what to do.

const REFUSALS = {
  unauthorized: "This token is not good, or not any more. Open the link that the server printed last, or ask for a new one.",
  forbidden: "Your token does not allow this. Ask for a token for this room.",
  room_not_found: "There is no such room. Look at its id again, or leave the field empty to make a new room.",
  room_deactivated: "This room is closed. Choose another one.",
  invite_not_found: "This invitation is not good any more. Ask for a new link.",
  invalid_invite_code: "This invitation link is not complete. Copy it once more, as a whole.",
  too_many_attempts: "That was the wrong password too often. Wait for a minute, then try again.",
  invalid_username: "This name cannot be used. Choose one of 1 to 100 characters.",
};

const SIGNALING_ERRORS = {
  insufficient_permissions: "Only moderators may do that.",
  already_recording: "A recording runs already, or is about to begin.",
  recorder_not_started: "There is nothing to pause or to stop.",
  internal: "The server could not do that. Try again.",
  invalid_username: REFUSALS.invalid_username,
};

const DEVICE_TROUBLES = {
  NotAllowedError: "The browser does not give this page your camera or microphone. Allow them beside the address, then try again. You can stay without them.",
  NotFoundError: "No camera and no microphone was found. Plug one in, then try again. You can stay without them.",
  NotReadableError: "Another program uses your camera or microphone. Close it, then try again. You can stay without them.",
  InsecureContext: "Browsers give camera and microphone only to pages at https:// or on this very machine. You can stay without them.",
};

/** As docs/timeline.md has them. */
export const REASONS = {
  no_consent: "no consent",
  disconnected: "not connected",
  paused: "recording paused",
  muted: "microphone off",
  camera_off: "camera off",
  lost: "lost on the way",
  not_known: "consent not known in time",
  not_written: "could not be written",
};

export const ROLES = { moderator: "moderator", user: "participant", guest: "guest" };

export function refusalSentence(error) {
  return REFUSALS[error.code] ?? sentence(error.message);
}

export function signalingSentence(code) {
  return SIGNALING_ERRORS[code] ?? `The server refused that (${code}). Load the page again.`;
}

export function deviceSentence(name) {
  return DEVICE_TROUBLES[name] ?? `Camera and microphone cannot be used (${name}). You can stay without them.`;
}

export function reasonOf(gap) {
  return REASONS[gap.reason] ?? gap.reason;
}

export function consentTerms({ withdrawalPolicy, keepsConsent }) {
  const before = {
    keep: "What was recorded of you until then is kept.",
    erase: "What was recorded of you in this meeting until then is erased.",
  }[withdrawalPolicy];
  return [
    "With your yes, your picture and your sound are recorded into a file of your own whenever a recording runs. It begins with your yes, never before.",
    "Without your yes nothing of you is recorded. You may stay all the same.",
    `You can take your yes back at any time: from that moment your file is black and silent.${before ? ` ${before}` : ""}`,
    keepsConsent
      ? "Your yes holds until everybody has left the room, also when you leave and come back."
      : "Your yes ends when the recording stops and when you leave. You are asked again.",
  ];
}

export function duration(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const written = [minutes, rest].map((part) => String(part).padStart(2, "0")).join(":");
  return hours ? `${hours}:${written}` : written;
}

/** As `duration`, to a tenth of a second. */
export function tenths(milliseconds) {
  const rounded = Math.round(milliseconds / 100);
  return `${duration(rounded * 100)}.${rounded % 10}`;
}

function sentence(text) {
  const trimmed = text.trim();
  return trimmed.charAt(0).toUpperCase() + trimmed.slice(1) + (/[.!?]$/.test(trimmed) ? "" : ".");
}
