// Verifies webhooks in the two ways that receivers in Node do: the bytes as they came, and the JSON written anew.
//
// One JSON line in: {"body": base64, "signature", "publicKey"}; one out: {"raw": bool, "reserialised": bool}.
import { createVerify } from "node:crypto";
import { createInterface } from "node:readline";

function isSigned(text, { signature, publicKey }) {
  return createVerify("RSA-SHA256").update(text).verify(publicKey, signature, "base64");
}

for await (const line of createInterface({ input: process.stdin })) {
  const posted = JSON.parse(line);
  const raw = Buffer.from(posted.body, "base64");
  // What `express.json()` leaves of a body.
  const body = JSON.parse(raw.toString("utf8"));
  const verdict = { raw: isSigned(raw, posted), reserialised: isSigned(JSON.stringify(body), posted) };
  process.stdout.write(`${JSON.stringify(verdict)}\n`);
}
