/**
 * Messages that are made of legal parts in any order, harmed in a few bytes, cut and lost anywhere: no reading of them
 * throws, and every event is one that a session may emit. Longer campaigns: raise `numRuns`.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Direction, TO_CLIENT, TO_SERVER } from '../../contracts/protocol.ts';
import { play } from '../sdk/testkit.ts';
import * as c from './constants.ts';
import tds from './protocol.ts';
import * as t from './testing.ts';

const RUNS = { seed: 42, numRuns: 1500 } as const;

const ROW_FORMAT = t.counted(c.TOKEN5_ROW_FORMAT, t.u16(1), 1, t.ascii('n'), 0, t.u32(7), 0x38, 0);
const SYBASE_ACK = t.counted(c.TOKEN_LOGIN_ACK, 5, t.hex('05000000'), 10, t.ascii('sql server'), t.u32(0));
const TOKENS: readonly Uint8Array[] = [
  t.result(['a'], ['bb']),
  t.columnsOf({ type: t.INTN, name: 'x' }, { type: t.hex('a5ffff'), name: 'y' }),
  t.bytes(c.TOKEN_ROW, 4, t.u32(1), t.u64(3n), t.u32(3), 1, 2, 3, t.u32(0)),
  t.bytes(c.TOKEN_NBC_ROW, 2, 4, t.u32(1)),
  t.bytes(c.TOKEN_ALT_COLUMNS, t.u16(1), t.u16(7), 0, 0x4d, t.u16(1), t.u32(0), t.u16(0), t.INTN, 0),
  t.bytes(c.TOKEN_ALT_ROW, t.u16(7), 4, t.u32(1)),
  t.error(1, 'x'),
  t.done(c.DONE_MORE),
  t.doneProc(c.DONE_MORE),
  t.returnValue(3),
  t.RETURN_STATUS,
  t.environment(c.ENV_DATABASE, 'a', 'b'),
  t.bytes(c.TOKEN_FEATURE_ACK, 4, t.u32(1), 1, 0xff),
  t.loginAck(),
  SYBASE_ACK,
  ROW_FORMAT,
];

const dynamic = t.counted(c.TOKEN5_DYNAMIC, 2, 1, 2, t.ascii('id'));
const values = t.bytes(
  t.counted(c.TOKEN5_PARAMETER_FORMAT, t.u16(1), 0, 0, t.u32(7), 0x26, 4, 0),
  c.TOKEN5_PARAMETERS,
  4,
  t.u32(9),
);
const REQUESTS: readonly Uint8Array[] = [
  t.batch('SELECT 1'),
  t.batch('SELECT 1', 20),
  t.batch('insert bulk t (a int)'),
  t.rpc(t.procedure(10, t.nvarchar('q'), t.nvarchar('d'), t.int(1)), t.procedure(12, t.int(3))),
  t.rpc(t.procedure(13, t.handleOut(), t.nvarchar(''), t.nvarchar('p'))),
  t.message(c.PACKET_ATTENTION, Buffer.alloc(0)),
  t.message(c.PACKET_BULK, Buffer.alloc(100), 40),
  t.message(c.PACKET_TRANSACTION, t.bytes(t.headers(), t.u16(5), 2, 4, 'wo', 0)),
  t.login7(),
  t.message(c.PACKET_PRELOGIN, t.prelogin(c.ENCRYPT_OFF)),
  t.message(c.PACKET_TDS5, t.bytes(c.TOKEN5_LANGUAGE, t.u32(5), 0, t.ascii('sele'))),
  t.message(c.PACKET_TDS5, t.bytes(dynamic, values)),
  t.message(c.PACKET_OLD_LOGIN, Buffer.alloc(568), 512),
];

const step = fc.record({
  request: fc.option(fc.nat(REQUESTS.length - 1), { nil: undefined }),
  tokens: fc.array(fc.nat(TOKENS.length - 1), { minLength: 1, maxLength: 5 }),
  packetBytes: fc.constantFrom(9, 17, 512, 4096),
  mars: fc.option(fc.nat(2), { nil: undefined }),
  harm: fc.array(fc.tuple(fc.nat(4096), fc.nat(255)), { maxLength: 3 }),
  cut: fc.nat(64),
  lost: fc.option(fc.integer({ min: 1, max: 200 }), { nil: undefined }),
});

test('nothing that can be sent makes reading fail', () => {
  let events = 0;
  const conversation = fc.array(step, { minLength: 2, maxLength: 12 });
  fc.assert(
    fc.property(conversation, fc.boolean(), (parts, midstream) => {
      const steps = parts.flatMap(({ request, tokens, packetBytes, mars, harm, cut, lost }) => {
        const direction: Direction = request === undefined ? TO_CLIENT : TO_SERVER;
        const reply = () =>
          t.message(c.PACKET_REPLY, t.bytes(...tokens.map((i) => TOKENS[i] as Uint8Array)), packetBytes);
        const plain = request === undefined ? reply() : (REQUESTS[request] as Uint8Array);
        const header = () => t.bytes(c.PACKET_SMP, c.SMP_DATA, t.u16(mars ?? 0), t.u32(plain.length + 16), t.u64(0n));
        const bytes = new Uint8Array(mars === undefined ? plain : t.bytes(header(), plain));
        for (const [at, value] of harm) bytes[at % bytes.length] = value;
        const gap = lost === undefined ? [] : [{ direction, bytes: undefined, lost }];
        const pieces: { direction: Direction; bytes: Uint8Array | undefined; lost: number }[] = [
          { direction, bytes: bytes.subarray(0, cut), lost: 0 },
          ...gap,
          { direction, bytes: bytes.subarray(cut), lost: 0 },
        ];
        return pieces.filter((one) => one.bytes === undefined || one.bytes.length > 0);
      });
      for (const event of play(tds, steps, midstream)) {
        events++;
        assert.ok(Number.isSafeInteger(event.marks) && event.lostBytes >= 0 && event.startUs > 0);
      }
    }),
    RUNS,
  );
  assert.ok(events > RUNS.numRuns, `${events} events`);
});
