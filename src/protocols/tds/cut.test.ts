/** Requests of which only the beginning was kept: what can still be told of them, and what they prepared. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  MARK_CANCELLED,
  MARK_GAP,
  MARK_MALFORMED,
  MARK_NO_REPLY,
  MARK_TRUNCATED,
  MARK_UNKNOWN_HANDLE,
  type StatementEvent,
} from '../../contracts/event.ts';
import { END_FIN } from '../../contracts/protocol.ts';
import { newDriverCounters } from '../sdk/counters.ts';
import { Driver } from '../sdk/driver.ts';
import { connectionInfo, type Turn } from '../sdk/testkit.ts';
import * as c from './constants.ts';
import { CALLS_MAX, MESSAGE_BYTES_MAX } from './limits.ts';
import tds from './protocol.ts';
import * as t from './testing.ts';

/** TDS_OPTIONCMD: executes nothing. */
const OPTION_COMMAND = 0xa6;

const LONG = 'x'.repeat(MESSAGE_BYTES_MAX / 2);

/** NVARCHAR(MAX) in one chunk. */
function unlimited(text: string): Uint8Array {
  const content = t.bytes(text);
  return t.parameter(t.hex('e7 ffff 0904d00034'), t.bytes(t.u64(-2n), t.u32(content.length), content, t.u32(0)));
}

function calls(...list: readonly Uint8Array[]): Turn {
  const separated = list.flatMap((call, index) => (index === 0 ? [call] : [Buffer.of(0xff), call]));
  return t.client(t.message(c.PACKET_RPC, t.bytes(t.headers(), ...separated), 32_000));
}

function affected(rows: number, status: number): readonly Uint8Array[] {
  const count = t.done(c.DONE_COUNT | c.DONE_MORE, rows, 0xc4, 0xff);
  return [count, t.RETURN_STATUS, t.doneProc(status)];
}

test('calls behind what is kept of a request are recorded where the reply tells of them', () => {
  const second = t.procedure(10, t.nvarchar('DELETE FROM secrets'));
  const third = t.procedure(10, t.nvarchar('DELETE FROM traces'));
  const events = t.statements(
    t.run(
      ...t.opening(),
      calls(t.procedure('store', unlimited(LONG)), second, third),
      t.reply(...affected(1, c.DONE_MORE), ...affected(7, c.DONE_MORE), ...affected(9, 0)),
      t.client(t.batch('SELECT 1')),
      t.reply(t.done()),
    ),
  );
  assert.deepEqual(
    events.map(({ call, text, procedure, marks, outcomes }) => [
      call,
      text,
      procedure,
      marks,
      outcomes[0]?.affectedRows,
    ]),
    [
      ['rpc', undefined, 'store', MARK_TRUNCATED, 1],
      ['rpc', undefined, undefined, MARK_TRUNCATED, 7],
      ['rpc', undefined, undefined, MARK_TRUNCATED, 9],
      ['simple', 'SELECT 1', undefined, 0, undefined],
    ],
  );
});

test('a whole request has as many calls as were read, whatever the reply says', () => {
  const events = t.statements(
    t.run(
      ...t.opening(),
      calls(t.procedure('store', t.int(1))),
      t.reply(...affected(1, c.DONE_MORE), ...affected(7, 0)),
    ),
  );
  assert.equal(events.length, 1);
});

test('a reply that tells of calls without end is believed for so many', () => {
  const endless = Array.from({ length: CALLS_MAX + 500 }, () => affected(1, c.DONE_MORE)).flat();
  const events = t.statements(
    t.run(...t.opening(), calls(t.procedure('store', unlimited(LONG))), t.reply(...endless, t.doneProc())),
  );
  assert.equal(events.length, 1 + CALLS_MAX);
});

test('a statement prepared behind what is kept of its request is an unknown handle, and so is its cursor', () => {
  const prepare = t.procedure(13, t.handleOut(), unlimited(LONG), t.nvarchar('DELETE FROM t'), t.int(1));
  const events = t.statements(
    t.run(
      ...t.opening(),
      calls(prepare),
      t.reply(t.RETURN_STATUS, t.returnValue(5), t.doneProc()),
      calls(t.procedure(12, t.int(5), t.int(2))),
      t.reply(...affected(3, 0)),
    ),
  );
  assert.deepEqual(
    events.map(({ text, marks }) => [text, marks]),
    [
      [undefined, MARK_TRUNCATED],
      [undefined, MARK_UNKNOWN_HANDLE],
    ],
  );
});

test('Sybase: a request that was cut is recorded even where what is left of it executes nothing', () => {
  const record = Buffer.alloc(568);
  record.write('pc1', 0, 'latin1');
  record[30] = 3;
  record[124] = 3;
  record[125] = 1;
  const done = t.bytes(c.TOKEN_DONE, t.u16(c.DONE_COUNT), t.u16(0), t.u32(1));
  const ack = t.counted(c.TOKEN_LOGIN_ACK, 5, t.hex('05000000'), t.bytes(3, t.ascii('sql')), t.hex('0f000000'));
  const options = Array.from({ length: 17 }, () => t.counted(OPTION_COMMAND, Buffer.alloc(65_000)));
  const text = 'delete secrets';
  const language = t.bytes(c.TOKEN5_LANGUAGE, t.u32(text.length + 1), 0, t.ascii(text));
  const request = t.message(c.PACKET_TDS5, t.bytes(...options, language), 32_000);
  const [event, ...more] = t.statements(
    t.run(t.client(t.message(c.PACKET_OLD_LOGIN, record, 512)), t.reply(ack, done), t.client(request), t.reply(done)),
  );
  assert.equal(more.length, 0);
  assert.deepEqual([event?.operation, event?.marks, event?.outcomes[0]?.affectedRows], ['SET', MARK_TRUNCATED, 1]);
});

/** Plays the turns; all memory is taken away behind the one with that index. */
function relievedBehind(place: number, turns: readonly Turn[]): StatementEvent[] {
  const events: StatementEvent[] = [];
  const info = connectionInfo('tds');
  const keep = {
    emit: (event: { kind: string }) => void (event.kind === 'statement' && events.push(event as StatementEvent)),
  };
  const driver = new Driver(tds, tds.open(info), keep, newDriverCounters(), false);
  for (const [index, { direction, bytes }] of turns.entries()) {
    driver.data(direction, bytes, 0, bytes.length, 1000 + index);
    if (index === place) driver.relieve(true, 1000 + index);
  }
  driver.end(END_FIN, 2000);
  return events;
}

test('an attention is recorded although the statement that it ends was given up for want of memory', () => {
  const turns = [
    ...t.opening(),
    t.client(t.batch("WAITFOR DELAY '01:00'")),
    t.client(t.message(c.PACKET_ATTENTION, Buffer.alloc(0))),
    t.reply(t.done(c.DONE_ATTENTION)),
    t.client(t.message(c.PACKET_ATTENTION, Buffer.alloc(0))),
  ];
  assert.deepEqual(
    relievedBehind(t.opening().length, turns).map(({ operation, text, marks, outcomes }) => [
      operation,
      text,
      marks,
      outcomes.length,
    ]),
    [
      [undefined, "WAITFOR DELAY '01:00'", MARK_GAP | MARK_NO_REPLY, 0],
      ['CANCEL', undefined, 0, 1],
    ],
  );
  const whole = t.statements(t.run(...turns));
  assert.deepEqual(
    whole.map(({ operation, marks }) => [operation, marks]),
    [
      [undefined, MARK_CANCELLED],
      ['CANCEL', 0],
    ],
  );
});

test('bulk data whose announcement was given up for want of memory are no malformed ones', () => {
  const events = relievedBehind(t.opening().length + 1, [
    ...t.opening(),
    t.client(t.batch('insert bulk t (a int)')),
    t.reply(t.done(0, 0, 0)),
    t.client(t.message(c.PACKET_BULK, Buffer.alloc(300, c.TOKEN_ROW), 128)),
    t.reply(t.done(c.DONE_COUNT, 1, 0xf0)),
  ]);
  assert.ok(events.every(({ marks }) => (marks & MARK_MALFORMED) === 0));
  assert.ok(events.some(({ call, outcomes }) => call === 'bulk' && outcomes[0]?.affectedRows === 1));
});
