/** The contract every protocol folder keeps, over conversations that touch each part of this one. */
import type { ProtocolModule } from '../../contracts/protocol.ts';
import { type Conversation, contractTests, type Turn } from '../sdk/testkit.ts';
import * as cp from './codepoints.ts';
import drda from './protocol.ts';
import * as t from './testing.ts';
import * as types from './types.ts';

/** Two exchanges to find its feet, then the statement that must be found. */
function ending(turns: readonly Turn[]): Pick<Conversation, 'turns' | 'sentinel'> {
  const exchange = (text: string): readonly Turn[] => [
    t.toServer(t.chain(t.immediate(text), t.commit)),
    t.toClient(t.replies(1, [t.message(cp.RDBUPDRM), t.done(1)], t.committed)),
  ];
  const calm = [...turns, ...exchange('insert first'), ...exchange('insert second')];
  return {
    turns: [...calm, ...exchange('insert sentinel')],
    sentinel: { text: 'insert sentinel', turn: calm.length },
  };
}

const integer = [types.INTEGER | 1, 4] as const;
const text = [types.VARIABLE_MIXED | 1, 0x7fff] as const;
const one = [t.u8(0), t.u32(1)];
const word = [t.u8(0), t.u16(3), t.utf8('abc')];

/** FDODSC of one integer. */
function outputRow(): Uint8Array[] {
  const described = t.sqldta([integer]);
  return [described.subarray(4, 4 + (((described[4] as number) << 8) | (described[5] as number)))];
}

const conversations: readonly Conversation[] = [
  {
    name: 'statements and errors',
    ...ending([
      ...t.login(),
      t.toServer(t.chain(t.immediate('create table t (i int)'), t.commit)),
      t.toClient(t.replies(1, [t.done()], t.committed)),
      t.toServer(t.chain(t.immediate('insert wrong'))),
      t.toClient(t.replies(1, [t.message(0x2213, 8), t.sqlcard(-204, '42704', 0, 'T')])),
      t.toServer(t.chain(t.prepare(3, 'selec'), t.openQuery(3))),
      t.toClient(t.replies(1, [t.sqlcard(-104, '42601')], [t.message(0x2212, 8)])),
    ]),
  },
  {
    name: 'prepared statements and large objects',
    ...ending([
      ...t.login(),
      t.toServer(
        t.chain(
          t.prepare(2, 'insert into t values (?, ?, ?)'),
          t.executeSection(
            2,
            t.sqldta([integer, text, [types.LOB_BYTES | 1, 0x8002]], ...one, ...word, t.u8(0), t.u16(3)),
            t.object(cp.EXTDTA, t.u8(0), Uint8Array.of(1, 2, 3)),
          ),
        ),
      ),
      t.toClient(t.replies(1, [t.sqlcardNull], [t.message(cp.RDBUPDRM), t.done(1)])),
    ]),
  },
  {
    name: 'a bound package and a call',
    ...ending([
      ...t.login(),
      t.toServer(
        t.chain(
          [t.object(cp.BGNBND, t.section(1))],
          [t.object(cp.BNDSQLSTT, t.section(1)), t.sqlstt('update t set i = 1')],
          [t.object(cp.ENDBND)],
        ),
      ),
      t.toClient(t.replies(1, [t.done()], [t.done()], [t.done()])),
      t.toServer(
        t.chain(t.executeSection(1), t.prepare(5, 'call p(?)'), t.executeSection(5, t.sqldta([integer], ...one))),
      ),
      t.toClient(
        t.replies(
          1,
          [t.done(1)],
          [t.done()],
          [t.object(cp.SQLDTARD, ...outputRow(), t.object(cp.FDODTA, t.u8(0xff), t.u8(0), ...one))],
        ),
      ),
    ]),
  },
  {
    name: 'queries in blocks',
    ...ending([
      ...t.login(),
      t.toServer(t.chain(t.prepare(4, 'select i, v from t'), t.openQuery(4))),
      t.toClient(
        t.replies(
          1,
          [t.object(cp.SQLDARD, t.sqlca(0, '00000'))],
          [t.opened, t.qrydsc(integer, text), t.qrydta(t.row(...one, ...word), t.row(...one, t.u8(0xff)))],
        ),
      ),
      t.toServer(t.chain(t.fetchMore(4))),
      t.toClient(t.replies(1, [t.qrydta(t.row(...one, ...word), t.endOfData()), t.message(cp.ENDQRYRM, 4), t.done()])),
      t.toServer(t.chain(t.closeQuery(4), t.rollback)),
      t.toClient(t.replies(1, [t.done()], t.rolledBack)),
    ]),
  },
];

contractTests(drda as ProtocolModule, conversations);
