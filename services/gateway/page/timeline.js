// Who was recorded when, and why not: a row for each participant on one axis, and the same in words.

import { element } from "./elements.js";
import { duration, reasonOf, tenths } from "./sentences.js";

const TRACKS = { video: "picture", audio: "sound" };
const COLUMNS = ["Track", "From", "To", "What"];
const NO_FILE = "no file: no consent, or deleted since";
const MARKS = 4;

/** `rows` have a name and a timeline; `unrecorded` are the names of those without a file. */
export function timelineOf(rows, unrecorded) {
  const begin = Math.min(...rows.map(({ timeline }) => Date.parse(timeline.begin)));
  const end = Math.max(...rows.map(({ timeline }) => Date.parse(timeline.end)));
  const axis = { begin, length: Math.max(1, end - begin) };
  return element(
    "div",
    { className: "timeline" },
    element("h4", { textContent: "Who was recorded when" }),
    picture(rows, unrecorded, axis),
    element(
      "details",
      {},
      element("summary", { textContent: "The same in words" }),
      ...rows.map((row) => tableOf(row, axis)),
      ...unrecorded.map((name) => element("p", { textContent: `${name}: ${NO_FILE}` })),
    ),
  );
}

function picture(rows, unrecorded, axis) {
  const drawn = element(
    "div",
    { className: "rows" },
    ...rows.map((row) => rowOf(row, axis)),
    ...unrecorded.map((name) => emptyRow(name)),
    scale(axis),
  );
  drawn.setAttribute("role", "img");
  drawn.setAttribute("aria-label", "Timeline of all participants; tables below tell the same");
  return drawn;
}

function rowOf({ name, timeline }, axis) {
  const lanes = timeline.tracks
    .toSorted((one, other) => other.track.localeCompare(one.track))
    .map((track) => laneOf(track, timeline, axis));
  return element("div", { className: "row" }, element("span", { className: "who", textContent: name }), element("div", {}, ...lanes));
}

function emptyRow(name) {
  const why = element("div", { className: "lane empty", textContent: NO_FILE });
  return element("div", { className: "row" }, element("span", { className: "who", textContent: name }), why);
}

function laneOf(track, timeline, axis) {
  const bars = spansOf(track, timeline).map((span) => {
    const bar = element("span", { className: span.reason ? "bar gap" : "bar", textContent: span.what });
    bar.title = `${span.what}, ${at(span.begin, axis)} to ${at(span.end, axis)}`;
    bar.style.insetInlineStart = `${(100 * (span.begin - axis.begin)) / axis.length}%`;
    bar.style.inlineSize = `${(100 * (span.end - span.begin)) / axis.length}%`;
    return bar;
  });
  return element("div", { className: "lane" }, ...bars);
}

function scale({ length }) {
  const marks = Array.from({ length: MARKS + 1 }, (_, index) => duration((index * length) / MARKS));
  return element("div", { className: "scale" }, ...marks.map((text) => element("span", { textContent: text })));
}

/** A table for each participant: narrow enough for a phone. */
function tableOf({ name, timeline }, axis) {
  const lines = timeline.tracks.flatMap((track) =>
    spansOf(track, timeline).map((span) => [
      TRACKS[track.track],
      at(span.begin, axis),
      at(span.end, axis),
      span.reason ? span.what : "recorded",
    ]),
  );
  const body = lines.map((cells) => element("tr", {}, ...cells.map((text) => element("td", { textContent: text }))));
  const titles = COLUMNS.map((text) => element("th", { textContent: text, scope: "col" }));
  return element(
    "table",
    {},
    element("caption", { textContent: name }),
    element("thead", {}, element("tr", {}, ...titles)),
    element("tbody", {}, ...body),
  );
}

/** Return what the track holds from the file's begin to its end, without holes. */
function spansOf({ track, gaps }, timeline) {
  const spans = [];
  let reached = Date.parse(timeline.begin);
  const recordedUntil = (moment) => {
    if (moment > reached) spans.push({ begin: reached, end: moment, what: TRACKS[track] });
  };
  for (const gap of gaps) {
    const [begin, end] = [Date.parse(gap.begin), Date.parse(gap.end)];
    recordedUntil(begin);
    spans.push({ begin, end, what: reasonOf(gap), reason: gap.reason });
    reached = end;
  }
  recordedUntil(Date.parse(timeline.end));
  return spans;
}

function at(moment, axis) {
  return tenths(moment - axis.begin);
}
