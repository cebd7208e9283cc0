// Calls the official server SDK: one JSON line in, one JSON line out, in any order.
//
//   node driver.mjs <folder of node_modules> <client options as JSON>
//
// In:  {"id": 1, "call": "recordings.participant.list", "args": [{"roomId": "…"}]}
// Out: {"id": 1, "result": …} or {"id": 1, "error": {"class", "status", "code", "message"}}
//
// A page is walked to its end, as `for await` does, and told as {"items", "first", "total"}.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const [folder, options] = process.argv.slice(2);
const { VideoSDK, Page } = createRequire(`${folder}/`)("@videosdk.live/server-sdk");
const client = new VideoSDK(JSON.parse(options));

async function call({ call: path, args }) {
  const names = path.split(".");
  const method = names.pop();
  const resource = names.reduce((within, name) => within[name], client);
  const result = await resource[method](...args);
  return result instanceof Page ? walked(result) : result;
}

async function walked(page) {
  const items = [];
  for await (const item of page) items.push(item);
  return { items, first: page.data.length, total: page.total };
}

function toldOf(error) {
  return { class: error.name, status: error.httpStatus ?? null, code: error.code ?? null, message: error.message };
}

for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line);
  call(asked)
    .then((result) => ({ result }), (error) => ({ error: toldOf(error) }))
    .then((answer) => process.stdout.write(`${JSON.stringify({ id: asked.id, ...answer })}\n`));
}
