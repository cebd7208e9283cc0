// Files to play and to keep. They are fetched with the token, which a player's own requests would not bear.

import { complain, element } from "./elements.js";
import { duration, refusalSentence } from "./sentences.js";

const MIB = 1024 * 1024;

/** Return a participant's files, with their player. */
export function fileItem(api, recording, name) {
  return element(
    "li",
    {},
    element("p", { className: "who", textContent: name }),
    ...recording.files.map((file, index) => fileOf(api, recording, file, index, name)),
  );
}

function fileOf(api, recording, file, index, name) {
  const fetched = once(() => fetchFile(api, recording.id, index));
  const video = element("video", { controls: true, hidden: true, playsInline: true });
  video.setAttribute("aria-label", `Recording of ${name}`);
  const play = button("Play", `Play the recording of ${name}`, async () => {
    video.src ||= await fetched();
    video.hidden = false;
    play.hidden = true;
    video.focus();
    await video.play().catch(() => {}); // where browsers want it pressed once more, the player's own button does it
  });
  const download = button("Download", `Download the recording of ${name}`, async () => {
    element("a", { href: await fetched(), download: file.filePath.split("/").at(-1) }).click();
  });
  const about = `${duration(file.meta.duration * 1000)}, ${(file.size / MIB).toFixed(1)} MiB`;
  return element(
    "div",
    { className: "file" },
    element("span", { className: "note", textContent: about }),
    element("div", { className: "buttons" }, play, download),
    video,
  );
}

function button(text, label, action) {
  const made = element("button", { type: "button", textContent: text });
  made.setAttribute("aria-label", label);
  made.onclick = async () => {
    complain("");
    made.disabled = true;
    try {
      await action();
    } catch (error) {
      complain(refusalSentence(error));
    } finally {
      made.disabled = false;
    }
  };
  return made;
}

async function fetchFile(api, recording, index) {
  return URL.createObjectURL(await api.file(recording, index));
}

/** Do it once, and again only when it failed. */
function once(action) {
  let done = null;
  return () => {
    done ??= action().catch((error) => {
      done = null;
      throw error;
    });
    return done;
  };
}
