/** The contract every protocol folder keeps, over conversations that touch each part of this one. */
import { TO_CLIENT, TO_SERVER } from '../../contracts/protocol.ts';
import { type Conversation, contractTests, type Turn } from '../sdk/testkit.ts';
import postgres from './protocol.ts';
import * as t from './testing.ts';

function client(...messages: readonly Uint8Array[]): Turn {
  return { direction: TO_SERVER, bytes: Buffer.concat(messages) };
}

function server(...messages: readonly Uint8Array[]): Turn {
  return { direction: TO_CLIENT, bytes: Buffer.concat(messages) };
}

const login: readonly Turn[] = [
  client(t.sslRequest),
  server(Buffer.from('N')),
  client(t.startup({ user: 'alice', database: 'shop' })),
  server(t.auth(10, t.z('SCRAM-SHA-256'), Buffer.alloc(1))),
  client(t.message('p', t.z('SCRAM-SHA-256'), t.i32(4), Buffer.from('n,,x'))),
  server(t.auth(0), t.parameter('client_encoding', 'UTF8'), t.keyData(7, t.i32(99)), t.ready()),
];

/** Two exchanges to find its feet, then the statement that must be found. */
function ending(turns: readonly Turn[]): Pick<Conversation, 'turns' | 'sentinel'> {
  const exchange = (text: string): readonly Turn[] => [
    client(t.query(text)),
    server(t.columns('a'), t.row('1'), t.complete('SELECT 1'), t.ready()),
  ];
  const calm = [...turns, ...exchange('select first'), ...exchange('select second')];
  return {
    turns: [...calm, ...exchange('select sentinel'), client(t.terminate)],
    sentinel: { text: 'select sentinel', turn: calm.length },
  };
}

const conversations: readonly Conversation[] = [
  {
    name: 'simple queries',
    ...ending([
      ...login,
      client(t.query('insert into t values (1); select * from t')),
      server(t.complete('INSERT 0 1'), t.columns('a', 'b'), t.row('1', null), t.row('2', 'x')),
      server(t.complete('SELECT 2'), t.notice('hello'), t.ready()),
      client(t.query('selec')),
      server(t.error('42601', 'syntax error'), t.ready()),
    ]),
  },
  {
    name: 'extended protocol',
    ...ending([
      ...login,
      client(t.parse('s1', 'select $1::int4', [23]), t.describe('S', 's1'), t.sync),
      server(t.parseComplete, t.message('t', t.i16(1), t.i32(23)), t.columns('int4'), t.ready()),
      client(t.bind('', 's1', [t.i32(5)], [1]), t.execute(), t.bind('', 's1', ['6']), t.execute(), t.sync),
      server(t.bindComplete, t.row('5'), t.complete('SELECT 1'), t.bindComplete, t.row('6'), t.complete('SELECT 1')),
      server(t.ready()),
      client(t.parse('', 'selec'), t.bind('', ''), t.describe('P'), t.execute(), t.sync),
      server(t.error('42601', 'syntax error'), t.ready()),
    ]),
  },
  {
    name: 'copy both ways',
    ...ending([
      ...login,
      client(t.query('copy t from stdin')),
      server(t.copyStart('G', 0)),
      client(t.copyData('a\n'), t.copyData('b\n'), t.copyDone),
      server(t.complete('COPY 2'), t.ready()),
      client(t.query('copy t to stdout')),
      server(t.copyStart('H', 0), t.copyData('a\n'), t.copyData('b\n'), t.copyDone, t.complete('COPY 2'), t.ready()),
    ]),
  },
  {
    name: 'a pipeline that does not wait',
    pipelined: true,
    turns: [
      client(t.startup({ user: 'bob' })),
      server(t.auth(0), t.ready()),
      client(t.parse('', 'select 1'), t.bind('', ''), t.execute(), t.sync, t.query('select 2')),
      server(t.parseComplete, t.bindComplete, t.row('1'), t.complete('SELECT 1'), t.ready()),
      server(t.columns('a'), t.row('2'), t.complete('SELECT 1'), t.ready()),
    ],
  },
];

contractTests(postgres, conversations);
