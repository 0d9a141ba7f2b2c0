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

contractTests(tds, [batches, calls]);
