/** TCP sequence arithmetic (RFC 9293 §3.4): 32-bit words that wrap, compared by their signed distance. */

/** How far `a` lies after `b`; negative when before. Exact while they are less than 2^31 apart. */
export function seqDiff(a: number, b: number): number {
  return (a - b) | 0;
}

export function seqAdd(seq: number, bytes: number): number {
  return (seq + bytes) | 0;
}
