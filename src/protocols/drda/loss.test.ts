/** Lost bytes, hostile bytes, and the probe. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  MARK_GAP,
  MARK_NO_REPLY,
  MARK_TRUNCATED,
  MARK_UNKNOWN_HANDLE,
  type StatementEvent,
} from '../../contracts/event.ts';
import {
  PROBE_CERTAIN,
  PROBE_MORE,
  PROBE_NO,
  PROBE_UNSURE,
  type ProtocolModule,
  TO_CLIENT,
  TO_SERVER,
} from '../../contracts/protocol.ts';
import { play, type Turn } from '../sdk/testkit.ts';
import * as cp from './codepoints.ts';
import { LIMITS } from './limits.ts';
import drda from './protocol.ts';
import * as t from './testing.ts';

const { statements } = t;

function withGaps(steps: readonly (Turn | t.GapStep)[]): StatementEvent[] {
  const whole = [...t.login(), ...steps].map((step) => ({ lost: 0, ...step }));
  return statements(play(drda as ProtocolModule, whole));
}

const done = t.toClient(t.replies(1, [t.done(1)]));

test('a gap in requests: a section prepared before it is unknown after it', () => {
  const events = withGaps([
    t.toServer(t.chain(t.prepare(2, 'old text'))),
    done,
    t.gap(TO_SERVER, 300),
    t.toServer(t.chain(t.executeSection(2))),
    done,
  ]);
  assert.equal(events[0]?.text, undefined);
  assert.equal(events[0]?.marks, MARK_GAP | MARK_UNKNOWN_HANDLE);
  assert.equal(events[0].lostBytes, 300);
});

test('a gap in replies: what was open is marked, later replies are not given to it', () => {
  const events = withGaps([
    t.toServer(t.chain(t.immediate('first'))),
    t.gap(TO_CLIENT, 77),
    t.toServer(t.chain(t.immediate('second'))),
    t.toClient(t.replies(1, [t.sqlcard(-204, '42704')])),
  ]);
  assert.deepEqual(
    events.map((e) => [e.text, e.marks, e.lostBytes, e.outcomes[0]?.errorCode]),
    [
      ['first', MARK_GAP | MARK_NO_REPLY, 77, undefined],
      ['second', 0, 0, '42704'],
    ],
  );
});

test('a gap within result rows: their number is unknown, the record is kept', () => {
  const rows = t.replies(2, [
    t.opened,
    t.qrydsc([3, 4]),
    t.qrydta(...Array<Uint8Array>(20).fill(t.row(t.u8(0), t.u32(1)))),
  ]);
  const prepared = t.replies(1, [t.done()]);
  prepared[3] = (prepared[3] as number) | cp.CHAINED;
  const cut = rows.length - 30;
  const events = withGaps([
    t.toServer(t.chain(t.prepare(4, 'select i from t'), t.openQuery(4))),
    t.toClient(prepared, rows.subarray(0, cut)),
    t.gap(TO_CLIENT, 20),
    t.toClient(rows.subarray(cut + 20)),
    t.toServer(t.chain(t.closeQuery(4))),
    done,
  ]);
  assert.equal(events.length, 1);
  assert.equal(events[0]?.outcomes[0]?.returnedRows, undefined);
  assert.equal(events[0]?.marks, MARK_GAP);
  assert.equal(events[0].lostBytes, 20);
});

test('a gap within a statement text: the statement is recorded with what came before', () => {
  const text = `insert ${'x'.repeat(200)}`;
  const request = t.chain(t.immediate(text));
  const events = withGaps([
    t.toServer(request.subarray(0, 150)),
    t.gap(TO_SERVER, 50),
    t.toServer(request.subarray(200)),
    done,
  ]);
  const beginning = text.slice(0, 150 - Buffer.from(request).indexOf('insert'));
  assert.deepEqual([events[0]?.text, events[0]?.textLength], [beginning, text.length]);
  assert.equal(events[0]?.marks, MARK_GAP | MARK_TRUNCATED);
  assert.equal(events[0].lostBytes, 50);
  assert.equal(events[0].outcomes[0]?.affectedRows, 1);
});

test('a gap within the text of a preparation: what executes the section says so', () => {
  const text = `delete ${'x'.repeat(200)}`;
  const request = t.chain(t.prepare(2, text), t.executeSection(2));
  const at = Buffer.from(request).indexOf('delete');
  const cutAt = (from: number) =>
    withGaps([
      t.toServer(request.subarray(0, from)),
      t.gap(TO_SERVER, 8),
      t.toServer(request.subarray(from + 8)),
      t.toClient(t.replies(1, [t.sqlcardNull], [t.done(1)])),
    ]).map(({ call, text, marks }) => [call, text, marks]);
  assert.deepEqual(cutAt(at + 10), [['prepared', text.slice(0, 10), MARK_GAP | MARK_TRUNCATED]]);
  assert.deepEqual(cutAt(at - 4), [['prepared', undefined, MARK_GAP | MARK_TRUNCATED | MARK_UNKNOWN_HANDLE]]);
});

test('a gap that takes the rest of a segmented text: the statement is recorded with what came before', () => {
  const text = `insert ${'x'.repeat(20_000)}`;
  const [command, object] = t.immediate(text) as [Uint8Array, Uint8Array];
  const whole = Buffer.concat([
    t.dss(cp.DSS_REQUEST | cp.CHAINED | cp.SAME_CORRELATOR, 1, command),
    t.dss(cp.DSS_OBJECT, 1, object, 4096),
  ]);
  const came = t.dss(cp.DSS_REQUEST, 1, command).length + 4096;
  const [event] = withGaps([t.toServer(whole.subarray(0, came)), t.gap(TO_SERVER, whole.length - came), done]);
  assert.ok((event?.text?.length ?? 0) > 4000 && text.startsWith(event?.text ?? ''));
  assert.deepEqual([event?.textLength, event?.marks], [text.length, MARK_GAP | MARK_TRUNCATED]);
});

test('more requests than may wait: the oldest are emitted unanswered', () => {
  const count = LIMITS.pendingMax + 10;
  const requests = Array.from({ length: count }, (_, i) => t.chain(t.immediate(`s${i}`)));
  const events = withGaps([t.toServer(...requests)]);
  assert.equal(events.length, count);
  assert.ok(events.every((e) => e.marks === MARK_NO_REPLY));
  assert.equal(events[0]?.text, 's0');
});

test('more sections than are remembered: the least recently used is unknown', () => {
  const prepares = Array.from({ length: LIMITS.handlesMax + 1 }, (_, i) => t.prepare(i, `text ${i}`));
  const answers = Array.from({ length: LIMITS.handlesMax + 1 }, () => [t.sqlcardNull]);
  const events = withGaps([
    t.toServer(t.chain(...prepares)),
    t.toClient(t.replies(1, ...answers)),
    t.toServer(t.chain(t.executeSection(0), t.executeSection(1))),
    t.toClient(t.replies(1, [t.done()], [t.done()])),
  ]);
  assert.deepEqual(
    events.map((e) => [e.text, e.marks]),
    [
      [undefined, MARK_UNKNOWN_HANDLE],
      ['text 1', 0],
    ],
  );
});

test('the connection ends: FIN is a logout', () => {
  const events = t.run([t.toServer(t.chain(t.commit)), t.toClient(t.replies(1, t.committed))]);
  const last = events.at(-1);
  assert.equal(last?.kind === 'logout' && last.reason, 'fin');
});

test('the probe knows both sides, and nobody else', () => {
  const judge = (bytes: Uint8Array, direction: 0 | 1) => drda.probe(bytes, 0, bytes.length, direction);
  const [hello, welcome] = t.login();
  assert.ok(hello && welcome);
  assert.equal(judge(hello.bytes, TO_SERVER), PROBE_CERTAIN);
  assert.equal(judge(welcome.bytes, TO_CLIENT), PROBE_CERTAIN);
  assert.equal(judge(welcome.bytes, TO_SERVER), PROBE_NO);
  assert.equal(judge(hello.bytes.subarray(0, 5), TO_SERVER), PROBE_MORE);
  assert.equal(judge(Buffer.from('16030100', 'hex'), TO_SERVER), PROBE_UNSURE);
  for (const stranger of ['GET / HTTP/1.1\r\n', '\0\0\0\x08\x04\xd2\x16\x2f', '*1\r\n$4\r\nPING\r\n']) {
    assert.equal(judge(Buffer.from(stranger, 'latin1'), TO_SERVER), PROBE_NO);
  }
});
