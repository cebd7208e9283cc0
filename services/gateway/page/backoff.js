// Waiting between two attempts: longer each time, and never all clients at once.

const FIRST_MS = 500;
const LONGEST_MS = 15_000;

export class Backoff {
  #next = FIRST_MS;

  reset() {
    this.#next = FIRST_MS;
  }

  /** Wait, unless the signal says that it is over. */
  async wait(signal) {
    const least = this.#next / 2;
    this.#next = Math.min(2 * this.#next, LONGEST_MS);
    await pause(least + Math.random() * least, signal);
  }
}

export function pause(milliseconds, signal) {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener("abort", done);
  });
}
