/** The byte examples of the specification (MS-TDS §4), as they are printed there. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PROBE_CERTAIN, TO_SERVER } from '../../contracts/protocol.ts';
import tds from './protocol.ts';
import * as t from './testing.ts';

const PRELOGIN = t.hex(`
  12 01 00 2F 00 00 01 00 00 00 1A 00 06 01 00 20 00 01 02 00 21 00 01 03 00 22 00 04 04 00 26 00
  01 FF 09 00 00 00 00 00 01 00 B8 0D 00 00 01`);
const LOGIN = t.hex(`
  10 01 00 90 00 00 01 00 88 00 00 00 02 00 09 72 00 10 00 00 00 00 00 07 00 01 00 00 00 00 00 00
  E0 03 00 00 E0 01 00 00 09 04 00 00 5E 00 08 00 6E 00 02 00 72 00 00 00 72 00 07 00 80 00 00 00
  80 00 00 00 80 00 04 00 88 00 00 00 88 00 00 00 00 50 8B E2 B7 8F 88 00 00 00 88 00 00 00 88 00
  00 00 00 00 00 00 73 00 6B 00 6F 00 73 00 74 00 6F 00 76 00 31 00 73 00 61 00 4F 00 53 00 51 00
  4C 00 2D 00 33 00 32 00 4F 00 44 00 42 00 43 00`);
const BATCH = t.hex(`
  01 01 00 5C 00 00 01 00 16 00 00 00 12 00 00 00 02 00 00 00 00 00 00 00 00 01 00 00 00 00 0A 00
  73 00 65 00 6C 00 65 00 63 00 74 00 20 00 27 00 66 00 6F 00 6F 00 27 00 20 00 61 00 73 00 20 00
  27 00 62 00 61 00 72 00 27 00 0A 00 20 00 20 00 20 00 20 00 20 00 20 00 20 00 20 00`);
const RESULT = t.hex(`
  04 01 00 33 00 00 01 00 81 01 00 00 00 00 00 20 00 A7 03 00 09 04 D0 00 34 03 62 00 61 00 72 00
  D1 03 00 66 6F 6F FD 10 00 C1 00 01 00 00 00 00 00 00 00`);
const CALL = t.hex(`
  03 01 00 2F 00 00 01 00 16 00 00 00 12 00 00 00 02 00 00 00 00 00 00 00 00 01 00 00 00 00 04 00
  66 00 6F 00 6F 00 33 00 00 00 00 02 26 02 00`);
const CALL_RESULT = t.hex(`
  04 01 00 27 00 00 01 00 FF 11 00 C1 00 01 00 00 00 00 00 00 00 79 00 00 00 00 FE 00 00 E0 00 00
  00 00 00 00 00 00 00`);
const ATTENTION = t.hex('06 01 00 08 00 00 01 00');

test('PRELOGIN is recognised beyond doubt', () => {
  assert.equal(tds.probe(PRELOGIN, 0, PRELOGIN.length, TO_SERVER), PROBE_CERTAIN);
});

test('LOGIN7: host, user and program', () => {
  const [login] = t.logins(t.run(t.client(LOGIN), t.reply(t.loginAck(0x72090002), t.done())));
  const { user, clientHost, program, database } = login?.identity ?? {};
  assert.deepEqual([user, clientHost, program, database], ['sa', 'skostov1', 'OSQL-32', undefined]);
});

test('a batch and its result', () => {
  const [read] = t.statements(t.run(...t.opening(), t.client(BATCH), t.server(RESULT)));
  assert.equal(read?.text, "\nselect 'foo' as 'bar'\n        ");
  assert.deepEqual(
    read?.outcomes.map((o) => [o.returnedRows, o.tag]),
    [[1, 'SELECT']],
  );
});

test('a call with a default parameter, and its result', () => {
  const [event] = t.statements(t.run(...t.opening(), t.client(CALL), t.server(CALL_RESULT)));
  assert.deepEqual([event?.procedure, event?.parameters, event?.marks], ['foo3', [null], 0]);
  assert.equal(event?.outcomes.length, 1);
});

test('an attention when nothing runs changes nothing', () => {
  const turns = [t.client(ATTENTION), t.reply(t.done(0x20)), t.client(BATCH), t.server(RESULT)];
  const [event] = t.statements(t.run(...t.opening(), ...turns));
  assert.deepEqual([event?.outcomes[0]?.returnedRows, event?.marks], [1, 0]);
});
