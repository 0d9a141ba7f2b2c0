/** The reply to COM_STMT_PREPARE: MySQL Internals "COM_STMT_PREPARE Response". */
import type { EventSink } from '../../contracts/protocol.ts';
import * as c from './constants.ts';
import { resolveDeferred } from './execute.ts';
import { addBytes, isEnd, type Reply } from './outcome.ts';
import { type MysqlSession, REPLY_PREPARE_DEFINITIONS } from './session.ts';

/** The OK of a prepare, which tells the statement's id. */
export function onPrepared(session: MysqlSession, { head, cursor }: Reply, sink: EventSink): void {
  const { prepared } = head;
  cursor.skip(1);
  const id = cursor.u32le();
  const columns = cursor.u16le();
  const parameters = cursor.u16le();
  cursor.skip(3);
  const metadataFollows = cursor.remaining() === 0 || cursor.u8() !== 0;
  if (prepared === undefined || cursor.failed) {
    session.finish(0, sink);
    return;
  }
  prepared.parameterCount = parameters;
  session.statements.set(id, prepared, (gone) => session.closeCursor(gone, sink));
  session.replyState = REPLY_PREPARE_DEFINITIONS;
  session.definitionsLeft = metadataFollows ? parameters : 0;
  session.columnsAfter = metadataFollows ? columns : 0;
  session.eofsLeft = 0;
  if (session.capabilitiesKnown && !session.has(c.CLIENT_DEPRECATE_EOF)) {
    session.eofsLeft = (session.definitionsLeft > 0 ? 1 : 0) + (session.columnsAfter > 0 ? 1 : 0);
  }
  endPrepare(session, sink);
}

/** A definition of a parameter or column, or the EOF behind them. */
export function onDefinition(session: MysqlSession, reply: Reply, sink: EventSink): void {
  addBytes(session, reply.frame);
  if (isEnd(reply) && reply.length <= c.EOF_BYTES) session.eofsLeft--;
  else if (session.definitionsLeft > 0) session.definitionsLeft--;
  else session.columnsAfter--;
  endPrepare(session, sink);
}

function endPrepare(session: MysqlSession, sink: EventSink): void {
  if (session.definitionsLeft > 0 || session.columnsAfter > 0 || session.eofsLeft > 0) return;
  session.finish(0, sink);
  resolveDeferred(session);
}
