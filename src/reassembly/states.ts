/**
 * States of a TCP connection as a bystander sees them (after RFC 9293 §3.3.2), and the table that drives them.
 *
 * The client is the side that sent the SYN; in a flow picked up without one, the side seen first stands in. FINs of
 * both sides are followed by sequence number (`streams.ts`): CLOSED is entered when both were reached, not when seen.
 */
import { TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN } from '../contracts/view.ts';

/** No packet yet. */
export const STATE_NEW = 0;
export const STATE_SYN_SENT = 1;
export const STATE_SYN_RECEIVED = 2;
export const STATE_ESTABLISHED = 3;
/** At least one FIN was seen. */
export const STATE_CLOSING = 4;
/** The end was reported. The slot stays for a while, so that late copies do not look like a new flow. */
export const STATE_CLOSED = 5;
export type State = 0 | 1 | 2 | 3 | 4 | 5;
const STATES = 6;

export const EVENT_SYN = 0;
export const EVENT_SYN_ACK = 1;
/** Data or acknowledgement. */
export const EVENT_PLAIN = 2;
export const EVENT_FIN = 3;
export const EVENT_RST = 4;
/** Flags that no TCP sends, or no receiver accepts. */
export const EVENT_BAD = 5;
const EVENTS = 5;

/** Count the packet and do nothing. */
export const ACTION_IGNORE = 0;
/** A new flow starts with its SYN. */
export const ACTION_OPEN = 1;
/** SYN-ACK, or the second SYN of a simultaneous open: the other side's numbers begin. */
export const ACTION_ANSWER = 2;
/** Acknowledgement, payload, FIN. */
export const ACTION_DATA = 3;
/** As data, in a flow whose handshake was not seen. */
export const ACTION_PICKUP = 4;
/** A SYN with a new number starts a new flow; with the old number it is a copy. */
export const ACTION_REOPEN = 5;
/** A SYN inside a living flow: believed once it is answered, or continued by its sender. */
export const ACTION_SUSPECT = 6;
/** A SYN-ACK inside a living flow: answers a suspected SYN, or is a copy. */
export const ACTION_CONFIRM = 7;
/** RST: ends the flow if its number is acceptable. */
export const ACTION_RESET = 8;

export const FROM_CLIENT = 0;
export const FROM_SERVER = 1;
const FROM_BOTH = -1;

interface StateRow {
  readonly state: State;
  readonly event: number;
  /** Sender: `FROM_CLIENT`, `FROM_SERVER`, or -1 for either. */
  readonly from: number;
  readonly action: number;
  /** State after the action, if it accepts the packet. */
  readonly next: State;
}

function row(state: State, event: number, from: number, action: number, next: State): StateRow {
  return { state, event, from, action, next };
}

export const STATE_ROWS: readonly StateRow[] = [
  row(STATE_NEW, EVENT_SYN, FROM_BOTH, ACTION_OPEN, STATE_SYN_SENT),
  row(STATE_NEW, EVENT_SYN_ACK, FROM_BOTH, ACTION_ANSWER, STATE_SYN_RECEIVED),
  row(STATE_NEW, EVENT_PLAIN, FROM_BOTH, ACTION_PICKUP, STATE_ESTABLISHED),
  row(STATE_NEW, EVENT_FIN, FROM_BOTH, ACTION_PICKUP, STATE_CLOSING),
  row(STATE_NEW, EVENT_RST, FROM_BOTH, ACTION_IGNORE, STATE_NEW),

  row(STATE_SYN_SENT, EVENT_SYN, FROM_CLIENT, ACTION_REOPEN, STATE_SYN_SENT),
  row(STATE_SYN_SENT, EVENT_SYN, FROM_SERVER, ACTION_ANSWER, STATE_SYN_RECEIVED),
  row(STATE_SYN_SENT, EVENT_SYN_ACK, FROM_CLIENT, ACTION_IGNORE, STATE_SYN_SENT),
  row(STATE_SYN_SENT, EVENT_SYN_ACK, FROM_SERVER, ACTION_ANSWER, STATE_SYN_RECEIVED),
  row(STATE_SYN_SENT, EVENT_PLAIN, FROM_BOTH, ACTION_DATA, STATE_ESTABLISHED),
  row(STATE_SYN_SENT, EVENT_FIN, FROM_BOTH, ACTION_DATA, STATE_CLOSING),
  row(STATE_SYN_SENT, EVENT_RST, FROM_BOTH, ACTION_RESET, STATE_CLOSED),

  row(STATE_SYN_RECEIVED, EVENT_SYN, FROM_CLIENT, ACTION_REOPEN, STATE_SYN_SENT),
  row(STATE_SYN_RECEIVED, EVENT_SYN, FROM_SERVER, ACTION_IGNORE, STATE_SYN_RECEIVED),
  row(STATE_SYN_RECEIVED, EVENT_SYN_ACK, FROM_BOTH, ACTION_CONFIRM, STATE_SYN_RECEIVED),
  row(STATE_SYN_RECEIVED, EVENT_PLAIN, FROM_BOTH, ACTION_DATA, STATE_ESTABLISHED),
  row(STATE_SYN_RECEIVED, EVENT_FIN, FROM_BOTH, ACTION_DATA, STATE_CLOSING),
  row(STATE_SYN_RECEIVED, EVENT_RST, FROM_BOTH, ACTION_RESET, STATE_CLOSED),

  row(STATE_ESTABLISHED, EVENT_SYN, FROM_BOTH, ACTION_SUSPECT, STATE_ESTABLISHED),
  row(STATE_ESTABLISHED, EVENT_SYN_ACK, FROM_BOTH, ACTION_CONFIRM, STATE_ESTABLISHED),
  row(STATE_ESTABLISHED, EVENT_PLAIN, FROM_BOTH, ACTION_DATA, STATE_ESTABLISHED),
  row(STATE_ESTABLISHED, EVENT_FIN, FROM_BOTH, ACTION_DATA, STATE_CLOSING),
  row(STATE_ESTABLISHED, EVENT_RST, FROM_BOTH, ACTION_RESET, STATE_CLOSED),

  row(STATE_CLOSING, EVENT_SYN, FROM_BOTH, ACTION_REOPEN, STATE_SYN_SENT),
  row(STATE_CLOSING, EVENT_SYN_ACK, FROM_BOTH, ACTION_CONFIRM, STATE_CLOSING),
  row(STATE_CLOSING, EVENT_PLAIN, FROM_BOTH, ACTION_DATA, STATE_CLOSING),
  row(STATE_CLOSING, EVENT_FIN, FROM_BOTH, ACTION_DATA, STATE_CLOSING),
  row(STATE_CLOSING, EVENT_RST, FROM_BOTH, ACTION_RESET, STATE_CLOSED),

  row(STATE_CLOSED, EVENT_SYN, FROM_BOTH, ACTION_REOPEN, STATE_SYN_SENT),
  row(STATE_CLOSED, EVENT_SYN_ACK, FROM_BOTH, ACTION_CONFIRM, STATE_CLOSED),
  row(STATE_CLOSED, EVENT_PLAIN, FROM_BOTH, ACTION_IGNORE, STATE_CLOSED),
  row(STATE_CLOSED, EVENT_FIN, FROM_BOTH, ACTION_IGNORE, STATE_CLOSED),
  row(STATE_CLOSED, EVENT_RST, FROM_BOTH, ACTION_IGNORE, STATE_CLOSED),
];

/** `STATE_ROWS` by `(state * EVENTS + event) * 2 + from`: action in the low nibble, next state in the high one. */
const TABLE: Uint8Array = buildTable();

function buildTable(): Uint8Array {
  const table = new Uint8Array(STATES * EVENTS * 2).fill(0xff);
  for (const { state, event, from, action, next } of STATE_ROWS) {
    for (const sender of from === FROM_BOTH ? [FROM_CLIENT, FROM_SERVER] : [from]) {
      const at = (state * EVENTS + event) * 2 + sender;
      if (table[at] !== 0xff) throw new Error(`two rows for state ${state}, event ${event}, sender ${sender}`);
      table[at] = action | (next << 4);
    }
  }
  if (table.includes(0xff)) throw new Error('the state table has a hole');
  return table;
}

/** Action (low nibble) and next state (high nibble) for an event other than `EVENT_BAD`. */
export function transition(state: number, event: number, from: number): number {
  return TABLE[(state * EVENTS + event) * 2 + from] as number;
}

/** Class of a segment by its flags. */
export function eventOf(flags: number): number {
  switch (flags & (TCP_SYN | TCP_ACK | TCP_FIN | TCP_RST)) {
    case TCP_ACK:
      return EVENT_PLAIN;
    case TCP_ACK | TCP_FIN:
      return EVENT_FIN;
    case TCP_SYN:
      return EVENT_SYN;
    case TCP_SYN | TCP_ACK:
      return EVENT_SYN_ACK;
    case TCP_RST:
    case TCP_RST | TCP_ACK:
    case TCP_RST | TCP_ACK | TCP_FIN:
      return EVENT_RST;
    default:
      return EVENT_BAD;
  }
}
