// Owns giving the page its turn in the middle of long work. Knows no work.

/** What waits for its turn has it first: input, painting. setTimeout would wait long in a hidden tab. */
export function nextTask() {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => {
      port1.close()
      resolve(undefined)
    }
    port2.postMessage(null)
  })
}
