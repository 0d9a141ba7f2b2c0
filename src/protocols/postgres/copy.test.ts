import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MARK_CANCELLED, MARK_NO_REPLY } from '../../contracts/event.ts';
import { END_UNSEEN } from '../../contracts/protocol.ts';
import * as t from './testing.ts';

test('COPY FROM STDIN: bytes the client sent, rows the server took', () => {
  const d = new t.Dialogue().login();
  d.client(t.query('copy t from stdin')).server(t.copyStart('G', 0));
  d.client(t.copyData('1\tone\n'), t.copyData('2\ttwo\n')).client(t.copyDone);
  d.server(t.complete('COPY 2'), t.ready());
  assert.equal(d.statement().call, 'copy');
  assert.equal(d.statement().outcomes[0]?.affectedRows, 2);
  assert.equal(d.statement().outcomes[0]?.returnedRows, undefined);
  assert.equal(d.statement().outcomes[0]?.bulkBytes, 22);
  assert.equal(d.statement().transaction, 'idle');
});

test('COPY TO STDOUT: rows and bytes that came back', () => {
  const d = new t.Dialogue().login();
  d.client(t.query('copy t to stdout')).server(t.copyStart('H', 0), t.copyData('1\n'), t.copyData('2\n'));
  d.server(t.copyData('3\n'), t.copyDone, t.complete('COPY 3'), t.ready());
  assert.equal(d.statement().call, 'copy');
  assert.equal(d.statement().outcomes[0]?.returnedRows, 3);
  assert.equal(d.statement().outcomes[0]?.affectedRows, undefined);
  assert.equal(d.statement().outcomes[0]?.responseBytes, 10 + 3 * 7 + 5 + 12);
});

test('binary COPY: header and trailer are no rows, as far as the stream was seen', () => {
  const header = Buffer.concat([Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'), t.i32(0), t.i32(0)]);
  const d = new t.Dialogue().login();
  d.client(t.query('copy t to stdout binary')).server(t.copyStart('H', 1), t.copyData(header));
  d.server(t.copyData(Buffer.concat([t.i16(1), t.i32(4), t.i32(9)])), t.copyData(t.i16(-1))).end(END_UNSEEN);
  assert.equal(d.statement().outcomes[0]?.returnedRows, 1);
  assert.equal(d.statement().marks, MARK_NO_REPLY);
});

test('CopyFail: the server answers with an error', () => {
  const d = new t.Dialogue().login();
  d.client(t.query('copy t from stdin')).server(t.copyStart('G', 0));
  d.client(t.copyData('1\n'), t.message('f', t.z('changed my mind')));
  d.server(t.error('57014', 'COPY from stdin failed: changed my mind'), t.ready());
  assert.equal(d.statement().outcomes[0]?.errorCode, '57014');
  assert.equal(d.statement().marks, MARK_CANCELLED);
});

test('COPY in the extended protocol: the Sync sent with Execute is ignored, the one after CopyDone counts', () => {
  const d = new t.Dialogue().login();
  d.client(t.parse('', 'copy t from stdin'), t.bind('', ''), t.execute(), t.sync);
  d.server(t.parseComplete, t.bindComplete, t.copyStart('G', 0));
  d.client(t.copyData('1\n'), t.sync, t.flush, t.copyDone, t.sync).server(t.complete('COPY 1'), t.ready());
  d.client(t.query('select 1')).server(t.complete('SELECT 1'), t.ready());
  assert.deepEqual(
    d.statements().map((s) => [s.text, s.call, s.outcomes.length, s.transaction, s.marks]),
    [
      ['copy t from stdin', 'copy', 1, 'idle', 0],
      ['select 1', 'simple', 1, 'idle', 0],
    ],
  );
});

test('COPY among other statements of one query', () => {
  const d = new t.Dialogue().login();
  d.client(t.query('select 1; copy t from stdin; select 2'));
  d.server(t.columns('a'), t.row('1'), t.complete('SELECT 1'), t.copyStart('G', 0));
  d.client(t.copyData('x\n'), t.copyDone);
  d.server(t.complete('COPY 1'), t.columns('a'), t.row('1'), t.complete('SELECT 1'), t.ready());
  assert.deepEqual(
    d.statement().outcomes.map((o) => [o.tag, o.returnedRows, o.affectedRows]),
    [
      ['SELECT', 1, undefined],
      ['COPY', undefined, 1],
      ['SELECT', 1, undefined],
    ],
  );
});

function walsender(): t.Dialogue {
  return new t.Dialogue().client(t.startup({ user: 'rep', replication: 'true' })).server(t.auth(0), t.ready());
}

test('replication commands name their operation', () => {
  const d = walsender();
  d.client(t.query('IDENTIFY_SYSTEM')).server(
    t.columns('systemid'),
    t.row('7'),
    t.complete('IDENTIFY_SYSTEM'),
    t.ready(),
  );
  d.client(t.query("BASE_BACKUP (LABEL 'x')"));
  d.server(t.columns('recptr'), t.row('0/1'), t.complete('SELECT'), t.copyStart('H', 0), t.copyData('tar'), t.copyDone);
  d.server(t.columns('recptr'), t.row('0/2'), t.complete('SELECT'), t.complete('BASE_BACKUP'), t.ready());
  d.client(t.query('select 1')).server(t.complete('SELECT 1'), t.ready());
  assert.deepEqual(
    d.statements().map((s) => [s.call, s.operation]),
    [
      ['replication', 'IDENTIFY_SYSTEM'],
      ['replication', 'BASE_BACKUP'],
      ['simple', undefined],
    ],
  );
  assert.equal(d.statement(1).text, "BASE_BACKUP (LABEL 'x')");
});

test('START_REPLICATION: a stream both ways, which may end with the connection', () => {
  const d = walsender();
  d.client(t.query('START_REPLICATION SLOT "s" LOGICAL 0/0')).server(t.copyStart('W', 0, 0));
  d.server(t.copyData('w0123456789'), t.copyData('k01234567')).client(t.copyData('r0123')).end();
  assert.equal(d.statement().call, 'replication');
  assert.equal(d.statement().operation, 'START_REPLICATION');
  assert.equal(d.statement().outcomes[0]?.responseBytes, 8 + 16 + 14);
  assert.equal(d.statement().outcomes[0]?.bulkBytes, 10);
  assert.equal(d.statement().marks, 0);
});

test('START_REPLICATION that is ended by both sides', () => {
  const d = walsender();
  d.client(t.query('START_REPLICATION 0/0')).server(t.copyStart('W', 0, 0), t.copyData('w'));
  d.client(t.copyDone).server(t.copyDone, t.complete('COPY 0'), t.ready());
  assert.equal(d.statement().transaction, 'idle');
  assert.equal(d.statement().outcomes[0]?.tag, 'COPY');
});

test('COPY data sent before the server asks for it: its bytes count, and only Syncs before its end are ignored', () => {
  const start = [t.parseComplete, t.bindComplete, t.copyStart('G', 0)];
  const copy = [t.parse('', 'copy t from stdin'), t.bind('', ''), t.execute()];
  const d = new t.Dialogue().login();
  d.client(...copy, t.copyData('1\n'), t.copyDone, t.sync);
  d.client(...copy, t.sync, t.copyData('1\n'), t.copyData('2\n'), t.copyDone, t.sync);
  d.client(t.query('copy t from stdin'), t.copyData('x\n'), t.copyDone, t.query('select 1'));
  d.server(...start, t.complete('COPY 1'), t.ready(), ...start, t.complete('COPY 2'), t.ready());
  d.server(t.copyStart('G', 0), t.error('22P02', 'no number'), t.ready(), t.complete('SELECT 1'), t.ready());
  assert.deepEqual(
    d.statements().map((s) => [s.call, s.transaction, s.marks, s.outcomes.map((o) => [o.bulkBytes, o.affectedRows])]),
    [
      ['copy', 'idle', 0, [[7, 1]]],
      ['copy', 'idle', 0, [[14, 2]]],
      ['copy', 'idle', 0, [[7, undefined]]],
      ['simple', 'idle', 0, [[0, 1]]],
    ],
  );
});
