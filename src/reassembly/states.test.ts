/** The state table row by row, and what each action does in a living flow. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TCP_ACK, TCP_FIN, TCP_PSH, TCP_RST, TCP_SYN, TCP_URG } from '../contracts/view.ts';
import {
  EVENT_BAD,
  EVENT_FIN,
  EVENT_PLAIN,
  EVENT_RST,
  EVENT_SYN,
  EVENT_SYN_ACK,
  eventOf,
  FROM_CLIENT,
  FROM_SERVER,
  STATE_CLOSED,
  STATE_ROWS,
  transition,
} from './states.ts';

test('every row of the table is what the compiled table answers, for its senders', () => {
  for (const { state, event, from, action, next } of STATE_ROWS) {
    for (const sender of from < 0 ? [FROM_CLIENT, FROM_SERVER] : [from]) {
      const word = transition(state, event, sender);
      assert.equal(word & 0x0f, action, `state ${state}, event ${event}, sender ${sender}`);
      assert.equal(word >> 4, next, `state ${state}, event ${event}, sender ${sender}`);
    }
  }
});

test('the table covers every state, event and sender once', () => {
  const covered = STATE_ROWS.reduce((sum, { from }) => sum + (from < 0 ? 2 : 1), 0);
  assert.equal(covered, (STATE_CLOSED + 1) * (EVENT_RST + 1) * 2);
});

test('every combination of flags has its event', () => {
  const table: readonly (readonly [number, number])[] = [
    [TCP_SYN, EVENT_SYN],
    [TCP_SYN | TCP_ACK, EVENT_SYN_ACK],
    [TCP_ACK, EVENT_PLAIN],
    [TCP_ACK | TCP_PSH | TCP_URG, EVENT_PLAIN],
    [TCP_FIN | TCP_ACK, EVENT_FIN],
    [TCP_RST, EVENT_RST],
    [TCP_RST | TCP_ACK, EVENT_RST],
    [TCP_RST | TCP_ACK | TCP_FIN, EVENT_RST],
    [0, EVENT_BAD],
    [TCP_PSH, EVENT_BAD],
    [TCP_FIN, EVENT_BAD],
    [TCP_SYN | TCP_FIN, EVENT_BAD],
    [TCP_SYN | TCP_FIN | TCP_ACK, EVENT_BAD],
    [TCP_SYN | TCP_RST, EVENT_BAD],
    [TCP_SYN | TCP_RST | TCP_ACK, EVENT_BAD],
    [TCP_SYN | TCP_RST | TCP_FIN | TCP_ACK, EVENT_BAD],
    [TCP_RST | TCP_FIN, EVENT_BAD],
    [TCP_SYN | TCP_RST | TCP_FIN, EVENT_BAD],
  ];
  for (const [flags, event] of table) assert.equal(eventOf(flags), event, `flags ${flags.toString(2)}`);
  // ECN and other bits change nothing.
  assert.equal(eventOf(TCP_SYN | 0xc0), EVENT_SYN);
});
