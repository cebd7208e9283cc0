// The signaling WebSocket: in by a ticket, back by a new one when the connection is lost.

import { ApiError } from "./api.js";
import { Backoff } from "./backoff.js";

const PROTOCOL = "opentalk-signaling-json-v1.0";
/** The gateway has no more to say: its participant was sent away, or came in by another connection. */
const SENT_AWAY = 1000;

export class Signaling {
  #admit;
  #name;
  #tell;
  #socket = null;
  #over = new AbortController();

  /** `admit` returns a ticket or throws ApiError. `tell` is told `message`, `lost` and `trying`. */
  constructor(admit, name, tell) {
    this.#admit = admit;
    this.#name = name;
    this.#tell = tell;
  }

  /** Stay in the meeting. Returns when it was left or one was sent away; throws what waiting does not mend. */
  async run() {
    const backoff = new Backoff();
    while (!this.#over.signal.aborted) {
      try {
        const code = await this.#connected(await this.#admit(), backoff);
        if (code === SENT_AWAY) return;
        this.#tell.lost();
      } catch (error) {
        if (!(error instanceof ApiError && error.isPassing)) throw error;
        this.#tell.trying(error);
      }
      await backoff.wait(this.#over.signal);
    }
  }

  send(namespace, payload) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify({ namespace, payload }));
    return true;
  }

  leave() {
    this.#over.abort();
    this.#socket?.close(1000);
  }

  /** Connect and listen; return the code by which the connection ended. */
  #connected(ticket, backoff) {
    if (this.#over.signal.aborted) return SENT_AWAY;
    const url = new URL("signaling", document.baseURI);
    url.protocol = url.protocol.replace("http", "ws");
    const socket = new WebSocket(url, [PROTOCOL, `ticket#${ticket}`]);
    this.#socket = socket;
    return new Promise((resolve, reject) => {
      socket.onopen = () => this.send("control", { action: "join", display_name: this.#name });
      socket.onclose = (event) => resolve(event.code);
      socket.onmessage = (event) => {
        const envelope = JSON.parse(event.data);
        if (envelope.payload.message === "join_success") backoff.reset();
        if (envelope.payload.error === "invalid_username") {
          reject(new ApiError(400, "invalid_username", "This name cannot be used."));
          this.leave();
        }
        this.#tell.message(envelope);
      };
    });
  }
}
