// Publishing by WHIP (RFC 9725): one session at a time, begun anew whenever it is lost.

import { Backoff, pause } from "./backoff.js";

const DISCONNECTED_MS = 3000;
const CONNECT_MS = 20_000;
const START_KBPS = 1500;
const LINK = /<([^>]+)>([^<]*)/g;

export class Publisher {
  #api;
  #path;
  #bearer;
  #tell;
  #tracks = { audio: null, video: null };
  #senders = {};
  #over = new AbortController();

  /**
   * `bearer` returns who publishes: a resumption. `tell` is told `connecting`, `connected` or `lost`, and with the last
   * why the server refused it, if it did.
   */
  constructor(api, room, bearer, tell) {
    this.#api = api;
    this.#path = `v1/whip/${encodeURIComponent(room)}`;
    this.#bearer = bearer;
    this.#tell = tell;
  }

  /** Send this track from now on; null: nothing. */
  async send(kind, track) {
    this.#tracks[kind] = track;
    await this.#senders[kind]?.replaceTrack(track);
  }

  async run() {
    const backoff = new Backoff();
    while (!this.#over.signal.aborted) {
      const refused = await this.#publish(backoff);
      if (this.#over.signal.aborted) return;
      this.#tell("lost", refused);
      await backoff.wait(this.#over.signal);
    }
  }

  stop() {
    this.#over.abort();
  }

  /** Publish until the connection is lost or this is stopped. Return an error that keeps it from being there at all. */
  async #publish(backoff) {
    this.#tell("connecting");
    let connection = null;
    let session = null;
    try {
      connection = new RTCPeerConnection({ iceServers: await this.#iceServers() });
      for (const kind of ["audio", "video"]) this.#senders[kind] = this.#sender(connection, kind);
      session = await this.#offer(connection);
      await this.#untilLost(connection, () => {
        backoff.reset();
        this.#tell("connected");
      });
      return null;
    } catch (error) {
      return error;
    } finally {
      this.#senders = {};
      connection?.close();
      if (session) await this.#request(session, "DELETE").catch(() => {}); // it is over all the same
    }
  }

  #sender(connection, kind) {
    return connection.addTransceiver(this.#tracks[kind] ?? kind, { direction: "sendonly" }).sender;
  }

  /** Offer without candidates: the recorder answers whoever reaches it. Return the session's URL. */
  async #offer(connection) {
    await connection.setLocalDescription();
    const answer = await this.#request(this.#path, "POST", connection.localDescription.sdp);
    const session = new URL(answer.headers.get("Location"), this.#api.url(this.#path));
    await connection.setRemoteDescription({ type: "answer", sdp: beginningWell(await answer.text()) });
    return session;
  }

  async #iceServers() {
    const answer = await this.#request(this.#path, "OPTIONS");
    return iceServers(answer.headers.get("Link") ?? "");
  }

  #request(path, method, offer) {
    const headers = offer ? { "Content-Type": "application/sdp" } : {};
    return this.#api.fetch(path, { method, headers, body: offer, bearer: this.#bearer(), keepalive: method === "DELETE" });
  }

  #untilLost(connection, connected) {
    const lost = new AbortController();
    const give = () => lost.abort();
    this.#over.signal.addEventListener("abort", give);
    if (this.#over.signal.aborted) give();
    connection.onconnectionstatechange = async () => {
      const state = connection.connectionState;
      if (state === "connected") connected();
      if (state === "failed" || state === "closed") give();
      if (state === "disconnected") {
        await pause(DISCONNECTED_MS, lost.signal);
        if (connection.connectionState === "disconnected") give();
      }
    };
    pause(CONNECT_MS, lost.signal).then(() => {
      if (["new", "connecting"].includes(connection.connectionState)) give();
    });
    return new Promise((resolve) => {
      lost.signal.addEventListener("abort", () => {
        this.#over.signal.removeEventListener("abort", give);
        resolve();
      });
      if (lost.signal.aborted) resolve();
    });
  }
}

/** Chromium begins at 300 kbit/s, makes the picture small for that, and takes half a minute to make it large again. */
function beginningWell(sdp) {
  return sdp.replace(/a=rtpmap:(\d+) VP8\/90000\r\n/, `$&a=fmtp:$1 x-google-start-bitrate=${START_KBPS}\r\n`);
}

/** RFC 9725 section 4.6. */
function iceServers(links) {
  const servers = [];
  for (const [, urls, parameters] of links.matchAll(LINK)) {
    if (!parameters.includes('rel="ice-server"')) continue;
    const told = (name) => parameters.match(new RegExp(`${name}="([^"]*)"`))?.[1];
    servers.push({ urls, username: told("username"), credential: told("credential") });
  }
  return servers;
}
