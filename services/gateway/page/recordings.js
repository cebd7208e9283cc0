// A room's recordings, newest first: the files of each recording's participants, and its timeline.

import { ApiError } from "./api.js";
import { byId, element, setText } from "./elements.js";
import { fileItem } from "./player.js";
import { refusalSentence } from "./sentences.js";
import { timelineOf } from "./timeline.js";

const POLL_MS = 2000;

export class Recordings {
  /** Which room is followed, by which API, and how many pages of the list are shown. */
  #followed = null;
  #timer = null;
  /** Of each recording, what is shown and of what it was made. */
  #shown = new Map();

  constructor() {
    byId("older").onclick = () => {
      this.#followed.pages += 1;
      this.refresh();
    };
  }

  follow(api, room) {
    clearTimeout(this.#timer);
    this.#followed = { api, room, pages: 1 };
    this.#shown.clear();
    byId("recordings-list").replaceChildren();
    setText(byId("recordings-note"), "");
  }

  /** Show what there is now, and what is being finished as soon as it is. */
  async refresh() {
    clearTimeout(this.#timer);
    const followed = this.#followed;
    const isAllowed = Boolean(followed.api.token?.seesRecordings);
    byId("recordings").hidden = !isAllowed;
    if (!isAllowed) return;
    let isFinal = false;
    try {
      isFinal = await this.#load(followed);
    } catch (error) {
      setText(byId("recordings-note"), refusalSentence(error));
      isFinal = !(error instanceof ApiError && error.isPassing);
    }
    if (!isFinal && followed === this.#followed) this.#timer = setTimeout(() => this.refresh(), POLL_MS);
  }

  /** Return whether nothing will change by itself. */
  async #load(followed) {
    const { kept, hasMore } = await keptRecordings(followed);
    if (followed !== this.#followed) return true;
    byId("older").hidden = !hasMore;
    setText(byId("recordings-note"), kept.length ? "" : "There are none.");
    let place = 0;
    for (const [key, items] of grouped(kept)) {
      await this.#show(followed, key, items, place);
      place += 1;
    }
    return kept.every((each) => each.end);
  }

  /** What is the same stays where it is: it may be playing. */
  async #show(followed, key, items, place) {
    const madeOf = JSON.stringify(items.map(({ id, end, files }) => [id, end, files.length]));
    const before = this.#shown.get(key);
    if (before?.madeOf === madeOf) return;
    const section = await recordingSection(followed.api, items);
    if (followed !== this.#followed) return;
    this.#shown.set(key, { madeOf, section });
    if (before) before.section.replaceWith(section);
    else byId("recordings-list").insertBefore(section, byId("recordings-list").children[place] ?? null);
  }
}

async function keptRecordings({ api, room, pages }) {
  const kept = [];
  for (let page = 1; page <= pages; page += 1) {
    const { data, pageInfo } = await api.recordings(room, page);
    kept.push(...data);
    if (pageInfo.lastPage <= page) return { kept, hasMore: false };
  }
  return { kept, hasMore: true };
}

/** By the room recording that they are part of; one that a server asked for stands alone. */
function grouped(kept) {
  const groups = new Map();
  for (const each of kept) {
    const key = each.recordingId ?? each.id;
    groups.set(key, [...(groups.get(key) ?? []), each]);
  }
  return groups;
}

async function recordingSection(api, items) {
  const files = items.filter((each) => each.files.length > 0);
  const rows = await Promise.all(files.map(async (each) => ({ name: nameOf(each), timeline: await timelineIf(api, each) })));
  const known = rows.filter((row) => row.timeline);
  const begin = Math.min(...items.filter((each) => each.start).map((each) => Date.parse(each.start)));
  const title = Number.isFinite(begin) ? `Recorded on ${new Date(begin).toLocaleString()}` : "Recording that did not begin";
  const unfinished = items.filter((each) => !each.end).map(nameOf);
  return element(
    "section",
    { className: "card recording" },
    element("h3", { textContent: title }),
    unfinished.length ? element("p", { className: "note", textContent: `Not finished yet: ${unfinished.join(", ")}.` }) : null,
    element("ul", { className: "files" }, ...files.map((each) => fileItem(api, each, nameOf(each)))),
    known.length ? timelineOf(known, await unrecorded(api, items, known)) : null,
  );
}

async function timelineIf(api, { id }) {
  try {
    return await api.timeline(id);
  } catch (error) {
    if (error.code === "file_not_found") return null;
    throw error;
  }
}

/** Return the names of those who were there meanwhile, and of whom there is no file. */
async function unrecorded(api, items, known) {
  if (!api.token.seesSessions) return [];
  const begin = Math.min(...known.map(({ timeline }) => Date.parse(timeline.begin)));
  const end = Math.max(...known.map(({ timeline }) => Date.parse(timeline.end)));
  const recorded = new Set(items.map((each) => each.participantId));
  const wasThere = (stay) => Date.parse(stay.start) < end && (stay.end === null || Date.parse(stay.end) > begin);
  const { participants } = await api.session(items[0].sessionId);
  return participants
    .filter((each) => !recorded.has(each.participantId) && each.timelog.some(wasThere))
    .map((each) => each.name || each.participantId);
}

function nameOf({ participantName, participantId }) {
  return participantName ?? participantId;
}
