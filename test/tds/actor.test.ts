/** Who acts, through all stages: what a TDS session and the SQL analysis each see of it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Auditor } from '#src/audit/auditor.js';
import { END_FIN } from '#src/contracts/protocol.js';
import type { AuditRecord } from '#src/contracts/record.js';
import { newDriverCounters } from '#src/protocols/sdk/counters.js';
import { Driver } from '#src/protocols/sdk/driver.js';
import { connectionInfo, type Turn } from '#src/protocols/sdk/testkit.js';
import * as c from '#src/protocols/tds/constants.js';
import tds from '#src/protocols/tds/protocol.js';
import * as t from '#src/protocols/tds/testing.js';
import { createAnalyzer } from '#src/sql/analyzer.js';

function recordsOf(turns: readonly Turn[]): AuditRecord[] {
  const records: AuditRecord[] = [];
  const sink = { write: (record: AuditRecord) => records.push(record) > 0 };
  const auditor = new Auditor({ sensor: 'test', analyzer: createAnalyzer(), policy: undefined, sink });
  const info = connectionInfo('tds');
  const driver = new Driver(tds, tds.open(info), auditor.open(info), newDriverCounters(), false);
  let tsUs = info.firstTsUs;
  for (const { direction, bytes } of turns) driver.data(direction, bytes, 0, bytes.length, tsUs++);
  driver.end(END_FIN, tsUs);
  return records;
}

const asked = (text: string): Turn[] => [t.client(t.batch(text)), t.reply(t.done())];

test('EXECUTE AS, REVERT, sp_setapprole and context_info change the actor; the login user stays', () => {
  const records = recordsOf([
    ...t.opening({ user: 'ann' }),
    ...asked('SELECT 1'),
    ...asked("EXECUTE AS USER = 'clerk'"),
    ...asked('SELECT 2'),
    ...asked('REVERT'),
    ...asked('SELECT 3'),
    ...asked('SET CONTEXT_INFO 0x626F62'),
    t.client(t.rpc(t.procedure('sp_setapprole', t.nvarchar('billing'), t.nvarchar('hunter2')))),
    t.reply(t.RETURN_STATUS, t.doneProc()),
    ...asked('SELECT 4'),
  ]);
  const selects = records.filter(({ text }) => text?.startsWith('SELECT'));
  assert.deepEqual(
    selects.map(({ user, effectiveUser, endUser }) => [user, effectiveUser, endUser]),
    [
      ['ann', undefined, undefined],
      ['ann', 'clerk', undefined],
      ['ann', undefined, undefined],
      ['ann', 'billing', 'bob'],
    ],
  );
  assert.ok(!JSON.stringify(records).includes('hunter2'));
});

test('a cancelled statement and its CANCEL are records of one session', () => {
  const records = recordsOf([
    ...t.opening(),
    t.client(t.batch("WAITFOR DELAY '01:00'")),
    t.client(t.message(c.PACKET_ATTENTION, Buffer.alloc(0))),
    t.reply(t.done(c.DONE_ATTENTION)),
  ]);
  const [victim, cancel] = records.filter(({ kind }) => kind === 'statement');
  assert.deepEqual([victim?.call, cancel?.call, cancel?.operation], ['simple', 'cancel', 'CANCEL']);
  assert.equal(victim?.session, cancel?.session);
});
