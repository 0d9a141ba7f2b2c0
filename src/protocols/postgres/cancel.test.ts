import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MARK_CANCELLED } from '../../contracts/event.ts';
import { CANCEL_KEYS_MAX } from './limits.ts';
import * as t from './testing.ts';

const cancel = t.opening(80_877_102, t.i32(77), t.i32(0x1234));

test('CancelRequest joins its victim: who asked, and what was cancelled', () => {
  const shared = new Map<string, unknown>();
  const victim = new t.Dialogue({ shared }).login().client(t.query('select pg_sleep(60)'));
  const other = new t.Dialogue({ shared }).client(Buffer.from(cancel)).end();
  victim.server(t.error('57014', 'canceling statement due to user request'), t.ready());
  const event = other.statement();
  assert.equal(other.events.length, 1);
  assert.equal(event.call, 'cancel');
  assert.equal(event.operation, 'CANCEL');
  assert.equal(event.text, undefined);
  assert.deepEqual(event.parameters, [77]);
  assert.equal(event.identity.user, 'alice');
  assert.equal(event.identity.database, 'shop');
  assert.equal(event.marks, 0);
  assert.equal(victim.statement().marks, MARK_CANCELLED);
  assert.doesNotMatch(JSON.stringify(event), /1234/);
});

test('a statement that fails otherwise after a cancel was aimed at it is marked too; one that succeeds is not', () => {
  const shared = new Map<string, unknown>();
  const victim = new t.Dialogue({ shared }).login();
  victim.client(t.query('one'));
  new t.Dialogue({ shared }).client(Buffer.from(cancel));
  victim.server(t.error('40001', 'could not serialize'), t.ready()).client(t.query('two'));
  new t.Dialogue({ shared }).client(Buffer.from(cancel));
  victim.server(t.complete('SELECT 1'), t.ready()).client(t.query('three')).server(t.error('42601', 'no'), t.ready());
  assert.deepEqual(
    victim.statements().map((s) => s.marks),
    [MARK_CANCELLED, 0, 0],
  );
});

test('a cancel with the wrong key, or whose victim is gone, names nobody', () => {
  const shared = new Map<string, unknown>();
  const victim = new t.Dialogue({ shared }).login().client(t.query('one'));
  const wrong = new t.Dialogue({ shared }).client(t.opening(80_877_102, t.i32(77), t.i32(0x9999)));
  assert.equal(wrong.statement().identity.user, undefined);
  victim.end();
  const late = new t.Dialogue({ shared }).client(Buffer.from(cancel));
  assert.equal(late.statement().identity.user, undefined);
});

test('57014 alone marks the statement: the cancel may have crossed another path', () => {
  const d = new t.Dialogue().login().client(t.query('x'));
  d.server(t.error('57014', 'canceling statement due to statement timeout'), t.ready());
  assert.equal(d.statement().marks, MARK_CANCELLED);
});

test('keys of protocol 3.2 have up to 256 bytes', () => {
  const shared = new Map<string, unknown>();
  const key = Buffer.alloc(256, 7);
  const victim = new t.Dialogue({ shared }).client(t.startup({ user: 'carl' }, 196_610));
  victim.server(t.auth(0), t.keyData(5, key), t.ready());
  const other = new t.Dialogue({ shared }).client(t.opening(80_877_102, t.i32(5), key));
  assert.equal(other.statement().identity.user, 'carl');
});

test('the table of keys is bounded, and empties as sessions end', () => {
  const shared = new Map<string, unknown>();
  const first = new t.Dialogue({ shared }).login();
  const keys = shared.get('postgres.cancelKeys') as Map<string, unknown>;
  for (let i = 1; i < CANCEL_KEYS_MAX; i++) keys.set(`filler ${i}`, first.session);
  new t.Dialogue({ shared }).client(t.startup({ user: 'dora' })).server(t.auth(0), t.keyData(6, t.i32(1)), t.ready());
  assert.equal(keys.size, CANCEL_KEYS_MAX);
  const late = new t.Dialogue({ shared }).client(Buffer.from(cancel));
  assert.equal(late.statement().identity.user, undefined);
  const last = new t.Dialogue({ shared }).login();
  const full = keys.size;
  last.end();
  assert.equal(keys.size, full - 1);
});
