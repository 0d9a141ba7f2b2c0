/** The contract of every protocol folder, over hand-built conversations. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StatementEvent } from '../../../contracts/event.ts';
import { type ProtocolModule, TO_CLIENT, TO_SERVER } from '../../../contracts/protocol.ts';
import { type Conversation, contractTests, play, steps } from '../testkit.ts';
import { FRAME_HEADER_BYTES, MAGIC, TYPE_DONE, TYPE_HELLO, TYPE_QUERY, TYPE_ROW } from './frame.ts';
import template from './protocol.ts';

function message(type: number, body: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(FRAME_HEADER_BYTES + body.length);
  bytes[0] = type;
  bytes.writeUInt32BE(bytes.length, 1);
  bytes.set(body, FRAME_HEADER_BYTES);
  return bytes;
}

const query = (text: string) => message(TYPE_QUERY, Buffer.from(text));
const reply = (rows: number) =>
  Buffer.concat([
    ...Array<Uint8Array>(rows).fill(message(TYPE_ROW, Buffer.alloc(50))),
    message(TYPE_DONE, Buffer.alloc(0)),
  ]);

const conversation: Conversation = {
  name: 'login and three queries',
  turns: [
    { direction: TO_SERVER, bytes: message(TYPE_HELLO, Buffer.from([MAGIC, 0x61, 0x6e, 0x6e])) },
    { direction: TO_CLIENT, bytes: reply(0) },
    { direction: TO_SERVER, bytes: query('SELECT 1') },
    { direction: TO_CLIENT, bytes: reply(3) },
    { direction: TO_SERVER, bytes: query('SELECT 2') },
    { direction: TO_CLIENT, bytes: reply(1) },
    { direction: TO_SERVER, bytes: query('SELECT 3') },
    { direction: TO_CLIENT, bytes: reply(0) },
  ],
  sentinel: { text: 'SELECT 3', turn: 4 },
};

contractTests(template as ProtocolModule, [conversation]);

test('rows are counted', () => {
  const events = play(template as ProtocolModule, steps(conversation)) as StatementEvent[];
  const statements = events.filter((event) => event.kind === 'statement');
  assert.deepEqual(
    statements.map((s) => [s.text, s.outcomes[0]?.returnedRows]),
    [
      ['SELECT 1', 3],
      ['SELECT 2', 1],
      ['SELECT 3', undefined],
    ],
  );
});
