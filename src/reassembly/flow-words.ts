/**
 * Memory layout of one flow's reassembly state: `FLOW_WORDS` 32-bit words, a cache line. The first word packs the
 * connection's state and its flags; each side has a block of `SIDE_WORDS`.
 */
export const FLOW_WORDS = 16;
export const FLAGS = 0;
/** Sequence number of a suspected new SYN. */
export const SUSPECT_SEQ = 1;
export const SIDES = 2;
export const SIDE_WORDS = 6;
/** Pages held by the flow (low half), and segments in a row outside the window, a byte a side. */
export const HELD = 14;
/** Packets that a wait may still last, a half word a side. */
export const WAIT_PACKETS = 15;

/** Of a side: next byte to be delivered, */
export const NEXT = 0;
/** highest acknowledgement by the peer, */
export const ACKED = 1;
/** sequence number of the FIN, */
export const FIN_SEQ = 2;
/** initial sequence number, */
export const ISN = 3;
/** and first and last page of the held segments, sorted and disjoint. */
export const HEAD = 4;
export const TAIL = 5;

/** Bits 0 to 2: a `STATE_*`. */
export const STATE_MASK = 0x7;
/** The client's side number. */
export const CLIENT: number = 1 << 3;
/** The SYN (or SYN-ACK) told which side is the client. */
export const CLIENT_KNOWN: number = 1 << 4;
export const MIDSTREAM: number = 1 << 5;
/** The receiver has been told of this flow. */
export const REPORTED: number = 1 << 6;
/** The receiver has no use for this flow. */
export const IGNORED: number = 1 << 7;
/** A SYN inside the living flow waits for confirmation; and who sent it. */
export const SUSPECT: number = 1 << 8;
export const SUSPECT_SIDE: number = 1 << 9;

// Flags of side 0; those of side 1 are shifted left by one more.
/** A packet of this side was seen. */
export const SEEN: number = 1 << 10;
/** `NEXT` is valid. */
export const KNOWN: number = 1 << 12;
/** `NEXT` is a guess, and nothing was handed on yet: the first data may lie before it. */
export const SOFT: number = 1 << 14;
/** `FIN_SEQ` is valid; and, this many bits above, it was reached. */
export const FIN: number = 1 << 16;
export const FIN_DONE: number = 1 << 18;
export const FIN_DONE_SHIFT = 2;
/** The last acknowledged number of this side was never seen: taken for its FIN until data follows. */
export const FIN_GUESSED: number = 1 << 20;
/** `ISN` is valid. */
export const ISN_KNOWN: number = 1 << 22;
/** Bytes of this side are missing; and the peer has acknowledged them. */
export const WAITING: number = 1 << 24;
export const WAITING_ACKED: number = 1 << 26;

const BOTH = 3;
/** Flags that in-order data of an undisturbed flow needs … */
export const FAST_SET: number = (SEEN * BOTH) | (KNOWN * BOTH);
/** … and those that it must not have. */
export const FAST_MASK: number =
  FAST_SET | IGNORED | SUSPECT | (SOFT * BOTH) | (FIN * BOTH) | (FIN_GUESSED * BOTH) | (WAITING * BOTH);
