/** Data stream structures and DDM objects: every type, flag and form of length. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Direction,
  FRAME_MALFORMED,
  FRAME_MORE,
  FRAME_OK,
  FrameOut,
  TO_SERVER,
} from '../../contracts/protocol.ts';
import { connectionInfo } from '../sdk/testkit.ts';
import * as cp from './codepoints.ts';
import { DdmReader } from './ddm.ts';
import drda from './protocol.ts';
import * as t from './testing.ts';

function verdictOf(bytes: Uint8Array, direction: Direction = TO_SERVER): readonly [number, number] {
  const out = new FrameOut();
  const verdict = drda.frame(drda.open(connectionInfo('drda')), direction, bytes, 0, bytes.length, out);
  return [verdict, out.length];
}

const content = t.object(cp.RDBCMM);

test('DSS: length, 0xD0, format; types 1 request, 2 reply, 3 object, 4 encrypted, 5 request without reply', () => {
  for (let type = 0; type < 16; type++) {
    const expected = type >= 1 && type <= 5 ? [FRAME_OK, 10] : FRAME_MALFORMED;
    const found = verdictOf(t.dss(type, 1, content));
    assert.deepEqual(Array.isArray(expected) ? found : found[0], expected, `type ${type}`);
  }
  const other = Buffer.from(t.dss(1, 1, content));
  other[2] = 0xd1;
  assert.equal(verdictOf(other)[0], FRAME_MALFORMED);
  assert.equal(verdictOf(t.dss(1, 1, content).subarray(0, 5))[0], FRAME_MORE);
});

test('DSS: format bits chained 0x40, continue on error 0x20, same correlator 0x10 are legal, 0x80 is not', () => {
  for (const bits of [0x40, 0x20, 0x10, 0x50, 0x70]) assert.equal(verdictOf(t.dss(bits | 1, 1, content))[0], FRAME_OK);
  assert.equal(verdictOf(t.dss(0x81, 1, content))[0], FRAME_MALFORMED);
});

test('DSS: bit 0x8000 of the length says continued; its segments have a header of two bytes', () => {
  const whole = t.dss(cp.DSS_REQUEST, 1, t.object(cp.RDBCMM, Buffer.alloc(100)), 40);
  assert.deepEqual(verdictOf(whole), [FRAME_OK, 40]);
  const session = drda.open(connectionInfo('drda'));
  session.lanes[TO_SERVER].continued = true;
  const out = new FrameOut();
  assert.equal(drda.frame(session, TO_SERVER, whole, 40, whole.length, out), FRAME_OK);
  assert.equal(out.length, 40);
});

for (const segmentBytes of [11, 40, 100, 32_767]) {
  test(`DSS: a text in continued segments of ${segmentBytes} bytes is put together`, () => {
    const text = `insert into t values ('${'é'.repeat(200)}')`;
    const command = t.dss(cp.DSS_REQUEST | cp.CHAINED | cp.SAME_CORRELATOR, 1, t.object(cp.EXCSQLIMM, t.section(1)));
    const [event] = t.statements(
      t.run([
        t.toServer(command, t.dss(cp.DSS_OBJECT, 1, t.sqlstt(text), segmentBytes)),
        t.toClient(t.replies(1, [t.done()])),
      ]),
    );
    assert.deepEqual([event?.text, event?.marks], [text, 0]);
  });
}

test('DDM: extended lengths of 4, 6 and 8 bytes, and none (0x8004): to the end of the structure', () => {
  const body = t.utf8('content');
  const next = t.object(0x1234);
  const extended = (bytes: number) =>
    Buffer.concat([t.u16(0x8004 + bytes), t.u16(cp.SQLSTT), Buffer.alloc(bytes - 1), t.u8(body.length), body, next]);
  const reader = new DdmReader();
  for (const bytes of [4, 6, 8]) {
    const object = extended(bytes);
    reader.reset(object, 0, object.length);
    assert.ok(reader.next());
    assert.deepEqual(
      [reader.codePoint, reader.claimed, reader.body.remaining()],
      [cp.SQLSTT, body.length, body.length],
    );
    assert.ok(reader.next() && reader.codePoint === 0x1234);
  }
  const streamed = Buffer.concat([t.u16(0x8004), t.u16(cp.EXTDTA), body, next]);
  reader.reset(streamed, 0, streamed.length);
  assert.ok(reader.next());
  assert.deepEqual([reader.claimed, reader.body.remaining()], [-1, body.length + next.length]);
  assert.ok(!reader.next());
});

test('DDM: a length that no object has ends the walk; one beyond what is there gives what is there', () => {
  const reader = new DdmReader();
  for (const length of [0, 3, 0x8000, 0x8005, 0x800e]) {
    const object = Buffer.concat([t.u16(length), t.u16(cp.SQLSTT), Buffer.alloc(20)]);
    assert.equal(reader.reset(object, 0, object.length).next(), false, `length ${length}`);
  }
  const cut = t.object(cp.SQLSTT, Buffer.alloc(50)).subarray(0, 20);
  assert.ok(reader.reset(cut, 0, cut.length).next());
  assert.deepEqual([reader.cut, reader.body.remaining()], [true, 16]);
});
