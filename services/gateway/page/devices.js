// Camera and microphone. A camera that is off is given back, so that its light goes off.

const PICTURE = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30, max: 30 } };
const WANTED = { audio: { audio: true }, video: { video: PICTURE } };

export class Devices {
  audio = null;
  video = null;
  /** The name of the last error; null: there was none. */
  trouble = null;
  #lost;

  /** `lost` is told when a device went away by itself. */
  constructor(lost) {
    this.#lost = lost;
  }

  /** Ask for both; where one is missing, for each. */
  async open() {
    try {
      this.#take(await request({ ...WANTED.audio, ...WANTED.video }));
    } catch (error) {
      this.trouble = error.name;
      if (error.name === "InsecureContext") return;
      await this.#openOne("audio");
      await this.#openOne("video");
    }
  }

  async turnOn(kind) {
    await this.#openOne(kind);
    return this[kind];
  }

  turnOff(kind) {
    this[kind]?.stop();
    this[kind] = null;
  }

  close() {
    this.turnOff("audio");
    this.turnOff("video");
  }

  async #openOne(kind) {
    try {
      this.#take(await request(WANTED[kind]));
    } catch (error) {
      this.trouble = error.name;
    }
  }

  #take(stream) {
    this.trouble = null;
    for (const track of stream.getTracks()) {
      this.turnOff(track.kind);
      this[track.kind] = track;
      track.onended = () => {
        this[track.kind] = null;
        this.#lost(track.kind);
      };
    }
  }
}

async function request(wanted) {
  if (!navigator.mediaDevices) throw new DOMException("not by https", "InsecureContext");
  return navigator.mediaDevices.getUserMedia(wanted);
}
