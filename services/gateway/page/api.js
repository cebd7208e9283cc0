// The REST interfaces, as far as the page needs them.

const JSON_TYPE = "application/json";

export class ApiError extends Error {
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }

  /** Whether the same may succeed in a moment. */
  get isPassing() {
    return this.status === 0 || this.status >= 500 || this.code === "session_running";
  }
}

export class Api {
  constructor(token) {
    this.token = token;
  }

  url(path) {
    return new URL(path, document.baseURI);
  }

  async fetch(path, { method = "GET", headers = {}, body, bearer = this.token?.text, keepalive = false } = {}) {
    const authorization = bearer ? { Authorization: `Bearer ${bearer}` } : {};
    let answer;
    try {
      answer = await fetch(this.url(path), { method, body, keepalive, headers: { ...authorization, ...headers } });
    } catch {
      throw new ApiError(0, "unreachable", "The server does not answer. Check that it runs and that you are online.");
    }
    if (!answer.ok) throw await refusal(answer);
    return answer;
  }

  async get(path) {
    return (await this.fetch(path)).json();
  }

  async post(path, content) {
    const headers = { "Content-Type": JSON_TYPE };
    return (await this.fetch(path, { method: "POST", headers, body: JSON.stringify(content) })).json();
  }

  /** Return the id of the room that is called so by its id or by its customRoomId. */
  async findRoom(name) {
    if (!this.token?.opensRest) return name;
    return (await this.get(`v2/rooms/validate/${encodeURIComponent(name)}`)).roomId;
  }

  async makeRoom() {
    return (await this.post("v2/rooms", {})).roomId;
  }

  async invite(room, expiration) {
    return (await this.post(`v1/rooms/${encodeURIComponent(room)}/invites`, { expiration })).invite_code;
  }

  async recordings(room, page) {
    const which = new URLSearchParams({ roomId: room, page, perPage: 50 });
    return this.get(`v2/recordings/participant?${which}`);
  }

  async session(id) {
    return this.get(`v2/sessions/${id}`);
  }

  async timeline(recording) {
    return this.get(`v2/recordings/participant/${recording}/timeline`);
  }

  async file(recording, index) {
    return (await this.fetch(`v2/recordings/participant/${recording}/file?index=${index}`)).blob();
  }
}

async function refusal(answer) {
  const said = await answer.json().catch(() => ({}));
  return new ApiError(answer.status, said.code ?? "refused", said.message ?? `The server answered ${answer.status}.`);
}
