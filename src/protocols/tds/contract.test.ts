/** The contract of every protocol, over conversations that between them use the whole of this one. */
import { type Conversation, contractTests } from '../sdk/testkit.ts';
import * as c from './constants.ts';
import tds from './protocol.ts';
import * as t from './testing.ts';

const SENTINEL = 'SELECT sentinel FROM lighthouse';

/** Two exchanges to find its feet, then the sentinel. */
function conversation(name: string, turns: Conversation['turns']): Conversation {
  const ending = [
    t.client(t.batch('SELECT 1')),
    t.reply(t.result(['1'])),
    t.client(t.batch('SELECT 2')),
    t.reply(t.result(['2'])),
    t.client(t.batch(SENTINEL)),
    t.reply(t.result(['z'])),
  ];
  return { name, turns: [...turns, ...ending], sentinel: { text: SENTINEL, turn: turns.length } };
}

const batches = conversation('batches', [
  ...t.opening(),
  t.client(t.batch('SELECT name FROM customers')),
  t.reply(t.result(['ann'], ['bob'], ['eve'])),
  t.client(t.batch(`UPDATE customers SET x = '${'long '.repeat(60)}'; DELETE FROM basket`, 128)),
  t.reply(t.done(c.DONE_COUNT | c.DONE_MORE, 3, 0xc5), t.done(c.DONE_COUNT, 1, 0xc4)),
  t.client(t.batch('SELECT broken')),
  t.reply(t.error(207, "Invalid column name 'broken'."), t.done(c.DONE_ERROR)),
]);

const calls = conversation('calls', [
  ...t.opening(),
  t.client(t.rpc(t.procedure(10, t.nvarchar('SELECT a FROM t WHERE b = @b'), t.nvarchar('@b int'), t.int(7, '@b')))),
  t.reply(t.result(['x']), t.RETURN_STATUS, t.doneProc()),
  t.client(
    t.rpc(t.procedure(13, t.handleOut(), t.nvarchar('@p int'), t.nvarchar('DELETE FROM t WHERE i = @p'), t.int(1))),
  ),
  t.reply(t.done(c.DONE_COUNT | c.DONE_MORE, 1, 0xc4, 0xff), t.RETURN_STATUS, t.returnValue(5), t.doneProc()),
  t.client(t.rpc(t.procedure(12, t.int(5), t.int(2)), t.procedure(12, t.int(5), t.int(3)))),
  t.reply(
    t.done(c.DONE_COUNT | c.DONE_MORE, 1, 0xc4, 0xff),
    t.RETURN_STATUS,
    t.doneProc(c.DONE_MORE),
    t.done(c.DONE_COUNT | c.DONE_MORE, 1, 0xc4, 0xff),
    t.RETURN_STATUS,
    t.doneProc(),
  ),
  t.client(t.rpc(t.procedure('dbo.p_save', t.nvarchar('value', '@v')))),
  t.reply(t.RETURN_STATUS, t.doneProc()),
]);

const attention = t.client(t.message(c.PACKET_ATTENTION, Buffer.alloc(0)));

const work = conversation('attention, bulk load, transactions', [
  ...t.opening(),
  t.client(t.batch("WAITFOR DELAY '01:00'")),
  attention,
  t.reply(t.done(c.DONE_ERROR)),
  t.reply(t.done(c.DONE_ATTENTION)),
  t.client(t.batch('insert bulk t (a int)')),
  t.reply(t.done(0, 0, 0)),
  t.client(t.message(c.PACKET_BULK, Buffer.alloc(300, c.TOKEN_ROW), 128)),
  t.reply(t.done(c.DONE_COUNT, 1, 0xf0)),
  t.client(t.message(c.PACKET_TRANSACTION, t.bytes(t.headers(), t.u16(5), 2, 0, 0))),
  t.reply(t.counted(c.TOKEN_ENV_CHANGE, c.ENV_BEGIN, t.bytes(8, t.u64(1n)), 0), t.done()),
  t.client(t.message(c.PACKET_TRANSACTION, t.bytes(t.headers(1n), t.u16(8), 0, 0))),
  t.reply(t.counted(c.TOKEN_ENV_CHANGE, c.ENV_ROLLBACK, 0, t.bytes(8, t.u64(1n))), t.done()),
]);

const encrypted = conversation('TLS for the login only', [
  t.client(t.message(c.PACKET_PRELOGIN, t.prelogin(c.ENCRYPT_OFF))),
  t.reply(t.prelogin(c.ENCRYPT_OFF)),
  t.client(t.wrapped(t.CLIENT_HELLO)),
  t.server(t.wrapped(t.SERVER_HELLO, t.HELLO_DONE)),
  t.client(t.APPLICATION_DATA),
  t.reply(t.environment(c.ENV_DATABASE, 'shop', 'master'), t.loginAck(), t.done()),
]);

/** TDS 5.0: the login record, language, a prepared statement with values. */
function sybase(): Conversation {
  const record = Buffer.alloc(568);
  record.write('pc1', 0, 'latin1');
  record[30] = 3;
  record[124] = 3;
  record[125] = 1;
  const short = (text: string) => t.bytes(text.length, t.ascii(text));
  const done = t.bytes(c.TOKEN_DONE, t.u16(c.DONE_COUNT), t.u16(0), t.u32(1));
  const ack = t.counted(c.TOKEN_LOGIN_ACK, 5, t.hex('05000000'), short('sql server'), t.hex('0f000000'));
  const request = (...tokens: readonly Uint8Array[]) => t.client(t.message(c.PACKET_TDS5, t.bytes(...tokens), 128));
  const language = (text: string) => request(t.bytes(c.TOKEN5_LANGUAGE, t.u32(text.length + 1), 0, t.ascii(text)));
  const dynamic = (type: number, text = '') =>
    t.counted(c.TOKEN5_DYNAMIC, t.bytes(type, 1, short('d1'), t.u16(text.length), t.ascii(text)));
  const format = t.counted(c.TOKEN5_PARAMETER_FORMAT, t.u16(1), 0, 0, t.u32(0), 0x26, 4, 0);
  const row = t.counted(c.TOKEN5_ROW_FORMAT, t.u16(1), short('c'), 0, t.u32(2), 0x27, 30, 0);
  const turns = [
    t.client(t.message(c.PACKET_OLD_LOGIN, record, 512)),
    t.reply(ack, done),
    language(`select ${'name, '.repeat(60)} x from people`),
    t.reply(row, t.bytes(c.TOKEN_ROW, short('ann')), t.bytes(c.TOKEN_ROW, short('bob')), done),
    request(dynamic(1, 'insert t values (?)')),
    t.reply(done),
    request(dynamic(2), format, t.bytes(c.TOKEN5_PARAMETERS, 4, t.u32(7))),
    t.reply(done),
  ];
  const calm = [language('select 1'), t.reply(done), language('select 2'), t.reply(done)];
  const whole = [...turns, ...calm, language(SENTINEL), t.reply(done)];
  return { name: 'Sybase', turns: whole, sentinel: { text: SENTINEL, turn: turns.length + calm.length } };
}

contractTests(tds, [batches, calls, work, encrypted, sybase()]);
