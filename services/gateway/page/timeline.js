// Who was recorded when, and why not: a row for each participant on one axis, and the same as a table.

import { element } from "./elements.js";
import { duration, reasonOf } from "./sentences.js";

const TRACKS = { video: "picture", audio: "sound" };
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
    element("details", {}, element("summary", { textContent: "The same as a table" }), table(rows, unrecorded, axis)),
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
  drawn.setAttribute("aria-label", "Timeline of all participants; the table below tells the same");
  return drawn;
}

function rowOf({ name, timeline }, axis) {
  const lanes = timeline.tracks
    .toSorted((one, other) => other.track.localeCompare(one.track))
    .map((track) => laneOf(track, timeline, axis));
  return element("div", { className: "row" }, element("span", { className: "who", textContent: name }), element("div", {}, ...lanes));
}

function emptyRow(name) {
  const why = element("div", { className: "lane empty", textContent: "no file: no consent" });
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

function table(rows, unrecorded, axis) {
  const head = ["Participant", "Track", "From", "To", "What"];
  const lines = rows.flatMap(({ name, timeline }) =>
    timeline.tracks.flatMap((track) =>
      spansOf(track, timeline).map((span) => [name, TRACKS[track.track], at(span.begin, axis), at(span.end, axis), span.what]),
    ),
  );
  const empty = unrecorded.map((name) => [name, "both", "–", "–", "no file: no consent"]);
  const body = [...lines, ...empty].map((cells) => element("tr", {}, ...cells.map((text) => element("td", { textContent: text }))));
  const titles = head.map((text) => element("th", { textContent: text, scope: "col" }));
  const made = element("table", {}, element("thead", {}, element("tr", {}, ...titles)), element("tbody", {}, ...body));
  const scrolled = element("div", { className: "scrolled", tabIndex: 0 }, made);
  scrolled.setAttribute("role", "region");
  scrolled.setAttribute("aria-label", "Who was recorded when, as a table");
  return scrolled;
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
  return duration(moment - axis.begin);
}
